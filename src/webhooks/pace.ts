export interface PaceLimits {
  /** Requests under way at once. */
  concurrencyMax: number;
  /** Requests begun per second; null for no limit. */
  ratePerSecond: number | null;
}

/**
 * How fast one receiver is sent to: up to its limit at once. Each failure halves that for new events and each success gives one
 * back, and one that comes back begins with a single event, so that it is not overrun. Retries are due when they are due, up to
 * the limit.
 */
export class Pace {
  #newMax = Number.POSITIVE_INFINITY;
  #nextStartMs = Number.NEGATIVE_INFINITY;
  /** Of what has begun last: when, and from when on it might. */
  #last = { startMs: Number.NEGATIVE_INFINITY, earliestMs: Number.NEGATIVE_INFINITY };

  constructor(public limits: PaceLimits) {}

  /** Whether one more may begin while `inFlight` are under way. */
  hasRoom(isRetry: boolean, inFlight: number): boolean {
    return inFlight < (isRetry ? this.limits.concurrencyMax : Math.min(this.#newMax, this.limits.concurrencyMax));
  }

  /** How long the rate asks to wait, in milliseconds of the monotonic clock. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextStartMs - nowMs);
  }

  begin(nowMs: number): void {
    this.#last = { startMs: nowMs, earliestMs: this.#nextStartMs };
    // Spaced evenly: then no second, wherever it begins, has more than the limit.
    if (this.limits.ratePerSecond !== null) this.#nextStartMs = nowMs + 1000 / this.limits.ratePerSecond;
  }

  /** What began then came to no request: another may take its place, unless one has begun since. */
  takeBack(startMs: number): void {
    if (startMs === this.#last.startMs) this.#nextStartMs = this.#last.earliestMs;
  }

  end(isSuccess: boolean): void {
    const most = Math.min(this.#newMax, this.limits.concurrencyMax);
    this.#newMax = isSuccess ? most + 1 : Math.max(1, Math.floor(most / 2));
  }

  /** The receiver has come back. */
  beginAnew(): void {
    this.#newMax = 1;
  }
}
