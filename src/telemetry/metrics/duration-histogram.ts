import type { Family, Labels, Sample } from "./exposition.ts";

export interface DurationHistogramOptions {
  /** By Prometheus's conventions: it ends in `_seconds`. */
  name: string;
  help: string;
  /** Upper bounds of the buckets in seconds, rising; what is longer than the last one is counted, too. */
  bounds: readonly number[];
}

/**
 * A histogram of what happens with every request. Whoever counts keeps the series, so that nothing is left to do but to find the
 * bucket; prom-client's looks at the labels each time, and where it is called now and then that costs more than what it measures.
 */
export class DurationHistogram {
  readonly #series: { labels: Labels; durations: DurationSeries }[] = [];

  constructor(private readonly options: DurationHistogramOptions) {}

  /** A new series, told from now on. To be made once for the same labels. */
  series(labels: Labels): DurationSeries {
    const durations = new DurationSeries(this.options.bounds);
    this.#series.push({ labels, durations });
    return durations;
  }

  /** As it is now. */
  family(): Family {
    const { name, help } = this.options;
    return {
      name,
      help,
      type: "histogram",
      samples: this.#series.flatMap(({ labels, durations }) => durations.samples(name, labels)),
    };
  }
}

/** The durations that bear the same labels. */
export class DurationSeries {
  /** How many were not longer than each bound, but longer than the one before. */
  readonly #counts: number[];
  #count = 0;
  #sumSeconds = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.#counts = bounds.map(() => 0);
  }

  add(seconds: number): void {
    this.#count++;
    this.#sumSeconds += seconds;
    for (let bucket = 0; bucket < this.bounds.length; bucket++) {
      if (seconds <= (this.bounds[bucket] ?? 0)) {
        this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
        return;
      }
    }
  }

  /** Prometheus's buckets count everything up to their bound. */
  samples(name: string, labels: Labels): Sample[] {
    let upTo = 0;
    const buckets = this.bounds.map((le, bucket) => {
      upTo += this.#counts[bucket] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: upTo };
    });
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: "+Inf", ...labels }, value: this.#count },
      { metricName: `${name}_sum`, labels, value: this.#sumSeconds },
      { metricName: `${name}_count`, labels, value: this.#count },
    ];
  }
}
