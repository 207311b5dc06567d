import type { ServerWebSocket } from "bun";
import { type Principal, requireScopes } from "../auth/principal.ts";
import type { Cancel } from "../clock.ts";
import { MatricError } from "../errors.ts";
import type { Filter } from "../events/filter.ts";
import { streamScopes } from "./access.ts";
import type { CloseReason, Connection } from "./connections.ts";
import { asMatricError, problemOf } from "./problem.ts";
import type { SocketDeps } from "./socket.ts";
import type { SocketAnswer } from "./socket-answer.ts";
import type { SocketData, SocketListener } from "./socket-data.ts";
import { parseSocketMessage, refOf } from "./socket-message.ts";
import { endOf } from "./stream.ts";

/** Whoever has not said who it is by then is closed. */
const signInMs = 10_000;
const attemptsMax = 3;

/** A WebSocket whose client is to show its token in its first message: until then it is told nothing. */
export class SocketSignIn implements SocketListener, Connection {
  readonly id = Bun.randomUUIDv7();
  readonly transport = "ws";
  readonly openedAtMs;
  readonly address;
  readonly #cancel: Cancel;
  #attempts = 0;
  #isOpen = true;

  constructor(
    private readonly deps: SocketDeps,
    private readonly ws: ServerWebSocket<SocketData>,
    private readonly onSignedIn: (principal: Principal) => void,
  ) {
    this.openedAtMs = deps.clock.now();
    this.address = ws.data.request.address;
    deps.connections.add(this);
    this.#cancel = deps.clock.after(signInMs, () => this.#notAllowed(`no token within ${signInMs / 1000} seconds`));
  }

  async receive(message: string | Buffer): Promise<void> {
    const text = message.toString();
    const ref = refOf(text);
    try {
      this.deps.addressRate?.take(this.address);
      if (message === "refresh") throw whoAreYou();
      const request = parseSocketMessage(text);
      if (request.op === "ping") this.#answer({ op: "pong", ref });
      else if (request.op === "auth") await this.#signIn(request.token, ref);
      else throw whoAreYou();
    } catch (error) {
      const known = asMatricError(error, this.deps.logger);
      this.deps.refusals.note(known);
      const { code, detail, field, limit } = problemOf(known);
      this.#answer({ op: "error", ref, code, detail, field, limit });
      if (++this.#attempts >= attemptsMax) this.#notAllowed("no valid token");
    }
  }

  async #signIn(token: string, ref: SocketAnswer["ref"]): Promise<void> {
    const principal = await this.deps.access.verify(token);
    requireScopes(principal, streamScopes);
    if (!this.#isOpen) return;
    this.end();
    this.#answer({ op: "auth", ref, ...endOf(principal) });
    this.onSignedIn(principal);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancel();
    this.deps.connections.remove(this, "client");
  }

  close(reason: CloseReason): void {
    if (!this.#isOpen) return;
    this.end();
    this.ws.close(reason === "draining" ? 1001 : 1008, reason);
  }

  pong(): void {}
  drain(): void {}
  beat(): void {}

  filters(): readonly Filter[] {
    return [];
  }

  position(): number {
    return this.deps.log.head();
  }

  queuedBytes(): number {
    return 0;
  }

  lastPongAtMs(): null {
    return null;
  }

  #notAllowed(why: string): void {
    if (!this.#isOpen) return;
    this.end();
    this.ws.close(1008, why);
  }

  #answer(answer: SocketAnswer): void {
    this.ws.send(JSON.stringify(answer));
  }
}

function whoAreYou(): MatricError {
  return new MatricError("unauthorized", 'Say who you are first: {"op":"auth","token":"mtr_…"}.');
}
