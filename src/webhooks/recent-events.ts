import type { StoredEvent } from "../events/log.ts";

const charsMax = 2 * 1024 * 1024;

/** The events that were just made into deliveries: most are sent within milliseconds, and need not be read again. */
export class RecentEvents {
  readonly #events = new Map<number, StoredEvent>();
  #chars = 0;

  add(event: StoredEvent): void {
    if (this.#events.has(event.seq)) return;
    this.#events.set(event.seq, event);
    this.#chars += event.text.length;
    for (const oldest of this.#events.values()) {
      if (this.#chars <= charsMax) return;
      this.#events.delete(oldest.seq);
      this.#chars -= oldest.text.length;
    }
  }

  get(seq: number): StoredEvent | undefined {
    return this.#events.get(seq);
  }
}
