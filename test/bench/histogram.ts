/** What the figures of one histogram come down to. */
export interface Summary {
  count: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
}

const linear = 32;

/** Durations in buckets that are about 3 % wide: bounded memory, however many are added. */
export class Histogram {
  readonly #buckets = new Float64Array(32 * linear);
  #count = 0;
  #maxUs = 0;

  add(durationUs: number): void {
    const us = Math.max(0, Math.floor(durationUs));
    const bucket = bucketOf(us);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count++;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  summary(): Summary {
    return {
      count: this.#count,
      p50Ms: this.#quantileMs(0.5),
      p95Ms: this.#quantileMs(0.95),
      p99Ms: this.#quantileMs(0.99),
      maxMs: this.#maxUs / 1000,
    };
  }

  #quantileMs(part: number): number {
    const wanted = Math.ceil(this.#count * part);
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (count > 0 && seen >= wanted) return Math.min(middleUs(bucket), this.#maxUs) / 1000;
    }
    return Number.NaN;
  }
}

function bucketOf(us: number): number {
  if (us < linear) return us;
  const exponent = 31 - Math.clz32(us);
  return ((exponent - 4) << 5) + ((us >> (exponent - 5)) & 31);
}

function middleUs(bucket: number): number {
  if (bucket < linear) return bucket;
  const shift = (bucket >> 5) - 1;
  return ((linear + (bucket & 31)) << shift) + (1 << shift) / 2;
}
