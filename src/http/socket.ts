import type { ServerWebSocket } from "bun";
import type { Access } from "../auth/access.ts";
import { type Principal, requireScopes } from "../auth/principal.ts";
import { type Clock, timestamp } from "../clock.ts";
import { MatricError } from "../errors.ts";
import { everything, type Filter, withoutFamilies } from "../events/filter.ts";
import type { Hub } from "../events/hub.ts";
import type { EventLog, Gap, StoredEvent } from "../events/log.ts";
import { positionSince } from "../events/since.ts";
import type { Sink } from "../events/sink.ts";
import { Subscription } from "../events/subscription.ts";
import type { Logger } from "../logger.ts";
import { streamScopes } from "./access.ts";
import { type CloseReason, type Connection, type Connections, comeBackMs } from "./connections.ts";
import type { RateLimit, Refusals } from "./limits.ts";
import { asMatricError, problemOf } from "./problem.ts";
import type { SocketAnswer } from "./socket-answer.ts";
import { closeCodes, type SocketData } from "./socket-data.ts";
import { closeWhenTaken } from "./socket-farewell.ts";
import { filterOf, wireFilter } from "./socket-filter.ts";
import { parseSocketMessage, refOf, type SocketMessage, type Subscribe, type Unsubscribe } from "./socket-message.ts";
import { SocketSubscriptions } from "./socket-subscriptions.ts";
import { endOf } from "./stream.ts";

export interface SocketDeps {
  log: EventLog;
  hub: Hub;
  clock: Clock;
  logger: Logger;
  connections: Connections;
  access: Access;
  refusals: Refusals;
  tokenRate: RateLimit | undefined;
  addressRate: RateLimit | undefined;
  /** The text of a `QueueStatus` as of now. */
  queueStatus: () => string;
  pingMs: number;
  pongTimeoutMs: number;
  slowMs: number;
  subscriptionsMax: number;
}

/** Above this nothing more is written until the client has taken some. */
const softLimitBytes = 256 * 1024;

function textsOf(events: readonly StoredEvent[]): string[] {
  return events.map((event) => event.text);
}

export class Socket implements Sink<string[]>, Connection {
  readonly id = Bun.randomUUIDv7();
  readonly transport = "ws";
  readonly encode = textsOf;
  readonly openedAtMs;
  readonly address;
  #principal: Principal;
  #release: () => void = () => {};
  readonly #subscription: Subscription<string[]>;
  readonly #subscriptions: SocketSubscriptions;
  #full: PromiseWithResolvers<void> | undefined;
  #lastPongMs: number;
  #lastPongAtMs: number;
  #nextPingMs: number;
  #isOpen = true;

  constructor(
    private readonly deps: SocketDeps,
    private readonly ws: ServerWebSocket<SocketData>,
    principal: Principal,
  ) {
    const { log, hub, clock, slowMs } = deps;
    const { filter, position, address } = ws.data.request;
    this.address = address;
    this.#principal = principal;
    this.openedAtMs = clock.now();
    this.#lastPongAtMs = this.openedAtMs;
    this.#lastPongMs = clock.monotonicMs();
    this.#nextPingMs = this.#lastPongMs + deps.pingMs;
    const first = withoutFamilies(filter ?? everything, principal.hidden);
    this.#subscription = new Subscription([first], position, { log, hub, clock, sink: this, slowMs });
    this.#subscriptions = new SocketSubscriptions(this.#subscription, filter === undefined, deps.subscriptionsMax);
  }

  open(): void {
    const { log, connections, pingMs } = this.deps;
    const { position, resumed } = this.ws.data.request;
    connections.add(this);
    this.#hold();
    const opened = {
      connection_id: this.id,
      transport: "ws",
      cursor: log.idOf(position.seq),
      oldest: log.idOf(log.oldest()),
      head: log.idOf(log.head()),
      resumed: resumed && !position.gap,
      heartbeat_seconds: pingMs / 1000,
      ...endOf(this.#principal),
    } as const;
    this.ws.send(connections.word("ConnectionOpened", opened, this.id));
    if (this.#maySeeQueue()) this.ws.send(this.deps.queueStatus());
    this.#subscription.start();
  }

  receive(message: string | Buffer): void {
    if (!this.#isOpen) return;
    const text = message.toString();
    try {
      this.deps.addressRate?.take(this.address);
      this.deps.tokenRate?.take(this.#principal.id ?? "");
      if (message === "refresh") {
        requireScopes(this.#principal, ["jobs:read"]);
        this.ws.send(this.deps.queueStatus());
        return;
      }
      if (typeof message !== "string") throw new MatricError("malformed", "Messages are text frames, not binary ones.");
      this.#obey(parseSocketMessage(text));
    } catch (error) {
      this.#refuse(error, refOf(text));
    }
  }

  #refuse(error: unknown, ref: SocketAnswer["ref"]): void {
    const known = asMatricError(error, this.deps.logger);
    this.deps.refusals.note(known);
    const { code, detail, field, limit } = problemOf(known);
    this.#answer({ op: "error", ref, code, detail, field, limit });
  }

  #obey(message: SocketMessage): void {
    if (message.op === "ping") this.#answer({ op: "pong", ref: message.ref });
    else if (message.op === "subscribe") this.#subscribe(message);
    else if (message.op === "unsubscribe") this.#unsubscribe(message);
    else this.#authenticate(message.token, message.ref);
  }

  /** A token in the place of the one before: the stream goes on with the rights that it gives. */
  async #authenticate(token: string, ref: SocketAnswer["ref"]): Promise<void> {
    try {
      const principal = await this.deps.access.verify(token);
      requireScopes(principal, streamScopes);
      if (!this.#isOpen) return;
      this.#principal = principal;
      this.#release();
      this.#hold();
      this.#subscription.hide(principal.hidden);
      this.#answer({ op: "auth", ref, ...endOf(principal) });
    } catch (error) {
      this.#refuse(error, ref);
    }
  }

  #hold(): void {
    const principal = this.#principal;
    this.#release = this.deps.access.holds.add({
      principal,
      end: (reason) => this.close(reason, comeBackMs()),
      warn: () => this.#answer({ op: "auth_expiring", expires_at: timestamp(principal.expiresAtMs ?? 0) }),
    });
  }

  #maySeeQueue(): boolean {
    return this.#principal.scopes.has("jobs:read");
  }

  #subscribe(message: Subscribe): void {
    const { log, clock } = this.deps;
    const { hidden } = this.#principal;
    const filter = withoutFamilies(filterOf(message), hidden);
    const since = message.since === undefined ? undefined : positionSince(log, String(message.since), clock.now());
    this.#subscriptions.mustHaveRoomFor(filter);
    // The answer first: the history that was asked for follows it.
    this.#answer({ op: "subscribe", ref: message.ref, cursor: log.idOf(since?.seq ?? this.position()), ...wireFilter(filter) });
    this.#subscriptions.add(filter, since, hidden);
  }

  #unsubscribe(message: Unsubscribe): void {
    const { ref, topics, events, note_id, job_id } = message;
    const namesNothing = [topics, events, note_id, job_id].every((list) => list === undefined);
    if (namesNothing) this.#subscriptions.takeAll();
    else this.#subscriptions.takeAway(withoutFamilies(filterOf(message), this.#principal.hidden));
    this.#answer({ op: "unsubscribe", ref });
  }

  #answer(answer: SocketAnswer): void {
    this.ws.send(JSON.stringify(answer));
  }

  write(texts: string[]): Promise<void> | undefined {
    if (!this.#isOpen) return undefined;
    // One write to the system for the whole batch.
    this.ws.cork(() => {
      for (const text of texts) this.ws.send(text);
    });
    if (this.ws.getBufferedAmount() <= softLimitBytes) return undefined;
    this.#full ??= Promise.withResolvers();
    return this.#full.promise;
  }

  snapshot(_name: string, text: string): void {
    if (!this.#full) this.ws.send(text);
  }

  gap(gap: Gap): void {
    this.ws.send(this.deps.connections.word("StreamGap", gap, this.id));
  }

  slow(): void {
    this.close("slow", comeBackMs());
  }

  failed(error: unknown): void {
    asMatricError(error, this.deps.logger);
    this.close("error", 0);
  }

  untakenBytes(): number {
    return this.queuedBytes() + this.ws.data.request.systemQueue();
  }

  queuedBytes(): number {
    return this.#isOpen ? this.ws.getBufferedAmount() : 0;
  }

  filters(): readonly Filter[] {
    return this.#subscription.filters();
  }

  position(): number {
    return this.#subscription.position();
  }

  lastPongAtMs(): number {
    return this.#lastPongAtMs;
  }

  pong(): void {
    this.#lastPongMs = this.deps.clock.monotonicMs();
    this.#lastPongAtMs = this.deps.clock.now();
  }

  drain(): void {
    if (!this.#full || this.ws.getBufferedAmount() > softLimitBytes) return;
    const { resolve } = this.#full;
    this.#full = undefined;
    resolve();
  }

  beat(nowMs: number): void {
    const { pingMs, pongTimeoutMs } = this.deps;
    if (nowMs - this.#lastPongMs >= pongTimeoutMs) {
      this.close("heartbeat", 0);
      return;
    }
    if (nowMs < this.#nextPingMs) return;
    this.#nextPingMs = nowMs + pingMs;
    this.ws.ping();
    if (this.#full || !this.#subscription.isUntold()) return;
    const cursor = this.deps.log.idOf(this.position());
    this.ws.send(this.deps.connections.word("StreamCursor", { cursor }, this.id));
    this.#subscription.tell();
  }

  close(reason: CloseReason, retryMs: number): void {
    if (!this.#isOpen) return;
    const { connections } = this.deps;
    if (reason === "slow" || reason === "draining" || reason === "revoked" || reason === "expired") {
      this.ws.send(connections.word("StreamClosing", { reason, retry_ms: retryMs }, this.id));
    }
    this.end(reason);
    if (reason === "slow") this.#release = closeWhenTaken(this.ws, this.deps, this, this.#principal);
    else this.ws.close(closeCodes[reason], reason);
  }

  end(reason: CloseReason = "client"): void {
    this.#release();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#subscription.stop();
    this.deps.connections.remove(this, reason);
  }
}
