import { type Cancel, type Clock, every } from "../clock.ts";
import type { Principal } from "./principal.ts";

export type EndReason = "revoked" | "expired";

/** Something that is open in somebody's name: a stream, a long poll. */
export interface Hold {
  readonly principal: Principal;
  /** The right to it has ended. Called once; must not throw. */
  end(reason: EndReason): void;
  /** It is going to end soon. Called once at most. */
  warn?(): void;
}

const sweepMs = 500;
/** So long before its end a holder is warned. */
const warnMs = 60_000;

/** Ends what is open in the name of a token when that is revoked or expires. */
export class Holds {
  readonly #byId = new Map<string, Set<Hold>>();
  /** Those that will end by themselves; true once warned. */
  readonly #expiring = new Map<Hold, boolean>();
  #cancel: Cancel | undefined;

  constructor(
    private readonly clock: Clock,
    /** Who was let in just before its token was revoked may come to hold something only now. */
    private readonly isRevoked: (id: string) => boolean,
  ) {}

  get count(): number {
    return [...this.#byId.values()].reduce((sum, holds) => sum + holds.size, 0);
  }

  /** The returned function lets go of it; calling it twice does nothing. */
  add(hold: Hold): () => void {
    const { id, expiresAtMs } = hold.principal;
    if (id === null) return () => {};
    const holds = this.#byId.get(id) ?? new Set();
    this.#byId.set(id, holds.add(hold));
    if (expiresAtMs !== null) {
      this.#expiring.set(hold, false);
      this.#cancel ??= every(this.clock, sweepMs, () => this.#sweep());
    }
    // Not before the caller has what is returned.
    if (this.isRevoked(id)) queueMicrotask(() => this.#byId.get(id)?.has(hold) && this.#end(id, hold, "revoked"));
    return () => this.#remove(id, hold);
  }

  /** Everything that is open in the name of this token ends now. */
  end(id: string, reason: EndReason): void {
    for (const hold of [...(this.#byId.get(id) ?? [])]) this.#end(id, hold, reason);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #sweep(): void {
    const now = this.clock.now();
    for (const [hold, isWarned] of [...this.#expiring]) {
      const { id, expiresAtMs } = hold.principal;
      if (id === null || expiresAtMs === null) continue;
      if (expiresAtMs <= now) {
        this.#end(id, hold, "expired");
      } else if (!isWarned && expiresAtMs - now <= warnMs) {
        this.#expiring.set(hold, true);
        hold.warn?.();
      }
    }
  }

  #end(id: string, hold: Hold, reason: EndReason): void {
    this.#remove(id, hold);
    hold.end(reason);
  }

  #remove(id: string, hold: Hold): void {
    const holds = this.#byId.get(id);
    holds?.delete(hold);
    if (holds?.size === 0) this.#byId.delete(id);
    this.#expiring.delete(hold);
    if (this.#expiring.size === 0) this.stop();
  }
}
