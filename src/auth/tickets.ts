import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { MatricError } from "../errors.ts";
import type { Principal } from "./principal.ts";

export const ticketPrefix = "mtk_";
/** Long enough to open a stream with it, too short to find it in a log. */
const validMs = 30_000;

interface Issued {
  principal: Principal;
  untilMs: number;
  expiresAtMs: number;
}

/** Single-use tickets for those who cannot send a header: a browser's EventSource and WebSocket. They end with the process. */
export class Tickets {
  /** The oldest first. */
  readonly #issued = new Map<string, Issued>();

  constructor(
    private readonly clock: Clock,
    private readonly max: number,
  ) {}

  get count(): number {
    return this.#issued.size;
  }

  /** Throws `rate_limited` when too many are out. */
  issue(principal: Principal): { ticket: string; expiresAtMs: number } {
    const nowMs = this.clock.monotonicMs();
    for (const [ticket, { untilMs }] of this.#issued) {
      if (untilMs > nowMs) break;
      this.#issued.delete(ticket);
    }
    if (this.#issued.size >= this.max) {
      const message = `${this.max} tickets wait to be used; try again when some have expired.`;
      throw new MatricError("rate_limited", message, { retry_after_seconds: validMs / 1000, limit: "tickets" });
    }
    const ticket = `${ticketPrefix}${randomBytes(32).toString("base64url")}`;
    const expiresAtMs = this.clock.now() + validMs;
    this.#issued.set(ticket, { principal, untilMs: nowMs + validMs, expiresAtMs });
    return { ticket, expiresAtMs };
  }

  /** Whom it was given to; from then on it is of no use. Throws `unauthorized`. */
  take(ticket: string): Principal {
    const issued = this.#issued.get(ticket);
    this.#issued.delete(ticket);
    if (!issued || issued.untilMs <= this.clock.monotonicMs()) {
      throw new MatricError("unauthorized", "The ticket was used already, or is older than 30 seconds. Ask for another one.");
    }
    return issued.principal;
  }
}
