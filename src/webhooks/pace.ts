export interface PaceLimits {
  /** Requests under way at once. */
  concurrencyMax: number;
  /** Requests begun per second; null for no limit. */
  ratePerSecond: number | null;
}

/**
 * How fast one receiver is sent to. New events begin one at a time, and one more at once after each success, so that a receiver
 * that comes back is not overrun; a failure begins that again. Retries are due when they are due, up to the limit.
 */
export class Pace {
  #newMax = 1;
  #nextStartMs = Number.NEGATIVE_INFINITY;

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
    // Spaced evenly: then no second, wherever it begins, has more than the limit.
    if (this.limits.ratePerSecond !== null) this.#nextStartMs = nowMs + 1000 / this.limits.ratePerSecond;
  }

  end(isSuccess: boolean): void {
    this.#newMax = isSuccess ? Math.min(this.#newMax + 1, this.limits.concurrencyMax) : 1;
  }
}
