const leastMs = 250;
/** Soon enough for somebody who watches: a server that starts again is back in less than a second. */
const mostMs = 5000;
const suggestedMostMs = 30_000;

/** Exponential backoff with full jitter: many clients that lost one server do not come back at the same moment. */
export class Backoff {
  #attempts = 0;
  #baseMs = leastMs;

  constructor(private readonly random: () => number = Math.random) {}

  /** How long to wait before the next attempt: anything up to a ceiling that doubles every time, to 5 s or what the server suggests. */
  nextMs(): number {
    const ceilingMs = Math.min(Math.max(mostMs, this.#baseMs), this.#baseMs * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 32);
    return Math.round(this.random() * ceilingMs);
  }

  /** The connection was good: the next failure begins with the shortest wait again. */
  reset(): void {
    this.#attempts = 0;
  }

  /** The server's `retry:`: what the first wait may be. */
  suggest(baseMs: number): void {
    this.#baseMs = Math.min(Math.max(baseMs, leastMs), suggestedMostMs);
  }
}
