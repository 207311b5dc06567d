import type { ServerWebSocket, WebSocketHandler } from "bun";
import type { Clock } from "../clock.ts";
import { MatricError } from "../errors.ts";
import { createFilter, everything, type Filter, filterKey } from "../events/filter.ts";
import type { Hub } from "../events/hub.ts";
import type { EventLog, Gap, Position, StoredEvent } from "../events/log.ts";
import { positionSince } from "../events/since.ts";
import type { Sink } from "../events/sink.ts";
import { Subscription } from "../events/subscription.ts";
import { transientText } from "../events/transient.ts";
import type { Logger } from "../logger.ts";
import { type CloseReason, type Connection, type Connections, comeBackMs } from "./connections.ts";
import { asMatricError, problemOf } from "./problem.ts";
import type { SocketAnswer } from "./socket-answer.ts";
import { parseSocketMessage, refOf, type SocketMessage, type Subscribe, type Unsubscribe } from "./socket-message.ts";

export interface SocketDeps {
  log: EventLog;
  hub: Hub;
  clock: Clock;
  logger: Logger;
  connections: Connections;
  /** The text of a `QueueStatus` as of now. */
  queueStatus: () => string;
  pingMs: number;
  pongTimeoutMs: number;
  slowMs: number;
  subscriptionsMax: number;
}

export interface SocketRequest {
  /** Undefined when the client named none: it gets everything until it subscribes to something. */
  filter: Filter | undefined;
  position: Position;
  resumed: boolean;
}

/** What hangs on a Bun socket: first the request, then the connection. */
export interface SocketData {
  request: SocketRequest;
  connection?: Socket;
}

/** Above this nothing more is written until the client has taken some. */
const softLimitBytes = 256 * 1024;
/** Bun drops messages above its limit in silence: soft limit + a flush (256 KiB of text, UTF-8) stays far below. */
const hardLimitBytes = 16 * 1024 * 1024;

/** For the closing handshake with a client that has been silent. */
const terminateAfterMs = 2000;

const closeCodes: Record<CloseReason, number> = {
  client: 1000,
  heartbeat: 4000,
  slow: 4008,
  draining: 1001,
  revoked: 4009,
  expired: 4009,
  overloaded: 1013,
  error: 1011,
};

/** Bun's handlers: they only find the connection that belongs to the socket. */
export function socketHandler(deps: SocketDeps, messageBytesMax: number): WebSocketHandler<SocketData> {
  return {
    // Above it Bun closes with 1006 and no word; ours answers with 1009 below that.
    maxPayloadLength: messageBytesMax * 2,
    backpressureLimit: hardLimitBytes,
    closeOnBackpressureLimit: false,
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    open(ws) {
      const connection = new Socket(deps, ws);
      ws.data.connection = connection;
      connection.open();
    },
    message(ws, message) {
      if (Buffer.byteLength(message) > messageBytesMax) ws.close(1009, `a message is larger than ${messageBytesMax} bytes`);
      else ws.data.connection?.receive(message);
    },
    pong(ws) {
      ws.data.connection?.pong();
    },
    drain(ws) {
      ws.data.connection?.drain();
    },
    close(ws) {
      ws.data.connection?.end();
    },
  };
}

function textsOf(events: readonly StoredEvent[]): string[] {
  return events.map((event) => event.text);
}

class Socket implements Sink<string[]>, Connection {
  readonly id = Bun.randomUUIDv7();
  readonly transport = "ws";
  readonly encode = textsOf;
  readonly openedAtMs;
  readonly #subscription: Subscription<string[]>;
  /** Until the first subscribe of a client that named no filter. */
  #takesEverything: boolean;
  #full: PromiseWithResolvers<void> | undefined;
  #lastPongMs: number;
  #lastPongAtMs: number;
  #nextPingMs: number;
  #isOpen = true;

  constructor(
    private readonly deps: SocketDeps,
    private readonly ws: ServerWebSocket<SocketData>,
  ) {
    const { log, hub, clock, slowMs } = deps;
    const { filter, position } = ws.data.request;
    this.openedAtMs = clock.now();
    this.#lastPongAtMs = this.openedAtMs;
    this.#lastPongMs = clock.monotonicMs();
    this.#nextPingMs = this.#lastPongMs + deps.pingMs;
    this.#takesEverything = filter === undefined;
    this.#subscription = new Subscription([filter ?? everything], position, { log, hub, clock, sink: this, slowMs });
  }

  open(): void {
    const { log, clock, connections, pingMs } = this.deps;
    const { position, resumed } = this.ws.data.request;
    connections.add(this);
    const hello = transientText(clock, "ConnectionOpened", {
      connection_id: this.id,
      transport: "ws",
      cursor: log.idOf(position.seq),
      oldest: log.idOf(log.oldest()),
      head: log.idOf(log.head()),
      resumed: resumed && !position.gap,
      heartbeat_seconds: pingMs / 1000,
    });
    this.ws.send(hello);
    this.ws.send(this.deps.queueStatus());
    this.#subscription.start();
  }

  receive(message: string | Buffer): void {
    if (message === "refresh") {
      this.ws.send(this.deps.queueStatus());
      return;
    }
    const text = message.toString();
    try {
      if (typeof message !== "string") throw new MatricError("malformed", "Messages are text frames, not binary ones.");
      this.#obey(parseSocketMessage(text));
    } catch (error) {
      const { code, detail, field } = problemOf(asMatricError(error, this.deps.logger));
      this.#answer({ op: "error", ref: refOf(text), code, detail, field });
    }
  }

  #obey(message: SocketMessage): void {
    if (message.op === "ping") this.#answer({ op: "pong", ref: message.ref });
    else if (message.op === "subscribe") this.#subscribe(message);
    else if (message.op === "unsubscribe") this.#unsubscribe(message);
    else this.#answer({ op: "auth", ref: message.ref });
  }

  #subscribe(message: Subscribe): void {
    const { log, clock, subscriptionsMax } = this.deps;
    const filter = filterOf(message);
    const since = message.since === undefined ? undefined : positionSince(log, message.since, clock.now());
    if (this.filters().length >= subscriptionsMax) {
      throw new MatricError(
        "rate_limited",
        `A connection holds at most ${subscriptionsMax} subscriptions; unsubscribe from some.`,
      );
    }
    // The answer first: the history that was asked for follows it.
    this.#answer({ op: "subscribe", ref: message.ref, cursor: log.idOf(since?.seq ?? this.position()), ...wireFilter(filter) });
    this.#subscription.add(filter, since);
    if (this.#takesEverything && filterKey(filter) !== filterKey(everything)) this.#subscription.remove(everything);
    this.#takesEverything = false;
  }

  #unsubscribe(message: Unsubscribe): void {
    const { ref, topics, events, note_id, job_id } = message;
    this.#takesEverything = false;
    if (topics === undefined && events === undefined && note_id === undefined && job_id === undefined) {
      this.#subscription.removeAll();
    } else if (!this.#subscription.remove(filterOf(message))) {
      throw new MatricError(
        "not_found",
        "This connection has no such subscription; name the same topics and events as when subscribing.",
      );
    }
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
    this.ws.send(transientText(this.deps.clock, "StreamGap", gap));
  }

  slow(): void {
    this.close("slow", comeBackMs());
  }

  failed(error: unknown): void {
    asMatricError(error, this.deps.logger);
    this.close("error", 0);
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
    this.ws.send(transientText(this.deps.clock, "StreamCursor", { cursor }));
    this.#subscription.tell();
  }

  close(reason: CloseReason, retryMs: number): void {
    if (!this.#isOpen) return;
    const { clock } = this.deps;
    if (reason === "slow" || reason === "draining" || reason === "revoked" || reason === "expired") {
      this.ws.send(transientText(clock, "StreamClosing", { reason, retry_ms: retryMs }));
    }
    const { ws } = this;
    this.end();
    ws.close(closeCodes[reason], reason);
    // Whoever takes nothing does not take the closing frame either.
    if (reason === "slow" || reason === "heartbeat") clock.after(terminateAfterMs, () => ws.terminate());
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#subscription.stop();
    this.deps.connections.remove(this);
  }
}

function filterOf({ topics, events, note_id, job_id }: Subscribe | Unsubscribe): Filter {
  const list = (value: string | string[] | undefined) => (typeof value === "string" ? value.split(",") : value);
  return createFilter({ topics: list(topics), events: list(events), noteIds: list(note_id), jobIds: list(job_id) });
}

function wireFilter({ topics, events, noteIds, jobIds }: Filter) {
  return { topics: [...topics], events: [...events], note_id: [...noteIds], job_id: [...jobIds] };
}
