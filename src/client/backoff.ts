const leastMs = 250;
const mostMs = 30_000;

/** Exponential backoff with full jitter: many clients that lost one server do not come back at the same moment. */
export class Backoff {
  #attempts = 0;
  #baseMs = leastMs;

  constructor(private readonly random: () => number = Math.random) {}

  /** How long to wait before the next attempt: anything up to a ceiling that doubles every time, 30 s at most. */
  nextMs(): number {
    const ceilingMs = Math.min(mostMs, this.#baseMs * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 32);
    return Math.round(this.random() * ceilingMs);
  }

  /** The connection was good: the next failure begins with the shortest wait again. */
  reset(): void {
    this.#attempts = 0;
  }

  /** The server's `retry:`: what the first wait may be. */
  suggest(baseMs: number): void {
    this.#baseMs = Math.min(Math.max(baseMs, leastMs), mostMs);
  }
}
