/** Somebody who makes requests, several at once. */
export interface SlotUser {
  /** Requests under way. */
  readonly inFlight: number;
  /** There may be room for another request now. */
  pump(): void;
}

/**
 * Bounds the requests that are under way to all webhooks. The first one of each webhook is always free, so that receivers that
 * never answer, however many there are, can slow the others down but not stop them.
 */
export class Slots {
  #used = 0;
  readonly #waiting = new Set<SlotUser>();

  constructor(private readonly max: number) {}

  /** Asks for one more request. If there is no room, `pump` is called when there may be. */
  take(user: SlotUser): boolean {
    if (user.inFlight === 0) return true;
    if (this.#used >= this.max) {
      this.#waiting.add(user);
      return false;
    }
    this.#used++;
    return true;
  }

  /** A request has ended; `user` does not count it any more. */
  give(user: SlotUser): void {
    if (user.inFlight === 0) return;
    this.#used--;
    for (const waiting of this.#waiting) {
      if (this.#used >= this.max) return;
      this.#waiting.delete(waiting);
      waiting.pump();
    }
  }
}
