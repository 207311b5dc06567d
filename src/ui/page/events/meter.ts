/** What happened within one second. */
export interface Second {
  /** Unix time in seconds. */
  at: number;
  events: number;
  /** From the commit to this page, by the clocks of both machines; undefined when nothing came. */
  medianMs: number | undefined;
  slowMs: number | undefined;
}

interface Counted {
  events: number;
  /** Empty when the summary is final. */
  latenciesMs: number[];
  summary: Second | undefined;
}

/** The page draws so much. */
const secondsKept = 120;
/** Of a second with more events the first so many are measured. */
const samplesMost = 500;
/** Events that were received in a second come here so much later at most. */
const lateSeconds = 5;

/** Counts events per second, and how long they were on their way. */
export class Meter {
  readonly #counts = new Map<number, Counted>();

  count(text: string, receivedAtMs: number): void {
    const at = Math.floor(receivedAtMs / 1000);
    const second = this.#counts.get(at) ?? this.#begin(at);
    second.events++;
    if (second.summary && second.latenciesMs.length === 0) return;
    second.summary = undefined;
    if (second.latenciesMs.length >= samplesMost) return;
    // Cheaper than parsing the whole event, several hundred times a second.
    const time = /"time":"([^"]+)"/.exec(text)?.[1];
    if (time !== undefined) second.latenciesMs.push(Math.max(0, receivedAtMs - Date.parse(time)));
  }

  /** The last seconds up to the one before now, none left out. */
  seconds(nowMs: number): Second[] {
    const last = Math.floor(nowMs / 1000) - 1;
    return Array.from({ length: secondsKept }, (_, index) => {
      const at = last - secondsKept + 1 + index;
      const counted = this.#counts.get(at);
      if (!counted) return { at, events: 0, medianMs: undefined, slowMs: undefined };
      counted.summary ??= summaryOf(at, counted);
      return counted.summary;
    });
  }

  #begin(at: number): Counted {
    const second: Counted = { events: 0, latenciesMs: [], summary: undefined };
    this.#counts.set(at, second);
    for (const [old, counted] of this.#counts) {
      if (old < at - secondsKept - 2) this.#counts.delete(old);
      else if (old < at - lateSeconds) {
        counted.summary ??= summaryOf(old, counted);
        counted.latenciesMs = [];
      }
    }
    return second;
  }
}

function summaryOf(at: number, { events, latenciesMs }: Counted): Second {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { at, events, medianMs: quantile(0.5), slowMs: quantile(0.95) };
}
