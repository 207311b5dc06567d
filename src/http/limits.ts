import type { Clock } from "../clock.ts";
import { type LimitName, limitNames, MatricError } from "../errors.ts";

/** How often each limit was reached, for those who watch the server. */
export class Refusals {
  readonly #counts = new Map<LimitName, number>(limitNames.map((name) => [name, 0]));

  count(name: LimitName): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Of an error that is about to be answered: whether it is one of a limit. */
  note({ details: { limit } }: MatricError): void {
    if (limit !== undefined) this.count(limit);
  }

  counts(): ReadonlyMap<LimitName, number> {
    return this.#counts;
  }
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Keys that are remembered; past it those that are full again are forgotten. */
const keysMax = 10_000;

/** At most so many requests a second for each key, and as many at once after a quiet second: a token bucket. */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();

  /** `perSecond` 0 lets everything pass. */
  constructor(
    private readonly perSecond: number,
    private readonly clock: Clock,
    private readonly name: LimitName,
  ) {}

  get isOn(): boolean {
    return this.perSecond > 0;
  }

  /** Throws `rate_limited` when there have been too many. */
  take(key: string): void {
    if (this.perSecond === 0) return;
    const nowMs = this.clock.monotonicMs();
    const bucket = this.#buckets.get(key);
    if (!bucket) {
      if (this.#buckets.size >= keysMax) this.#forgetFull(nowMs);
      this.#buckets.set(key, { left: this.perSecond - 1, atMs: nowMs });
      return;
    }
    bucket.left = Math.min(this.perSecond, bucket.left + ((nowMs - bucket.atMs) / 1000) * this.perSecond);
    bucket.atMs = nowMs;
    if (bucket.left < 1) {
      const message = `More than ${this.perSecond} requests a second are not taken; slow down.`;
      throw new MatricError("rate_limited", message, { retry_after_seconds: 1, limit: this.name });
    }
    bucket.left--;
  }

  #forgetFull(nowMs: number): void {
    for (const [key, { atMs }] of this.#buckets) if (nowMs - atMs >= 1000) this.#buckets.delete(key);
    // More addresses at once than we remember: rather all begin anew than none be counted.
    if (this.#buckets.size >= keysMax) this.#buckets.clear();
  }
}
