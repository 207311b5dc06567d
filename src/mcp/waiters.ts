import { type LimitName, MatricError } from "../errors.ts";

/**
 * The calls that wait for events now. Each can end early: when its caller goes away, or all together when the server stops.
 * Their number is bounded.
 */
export class Waiters {
  readonly #open = new Set<AbortController>();

  constructor(
    private readonly max: number,
    private readonly onLimit: (name: LimitName) => void = () => {},
  ) {}

  get count(): number {
    return this.#open.size;
  }

  /** Runs `wait` with a signal that aborts with the first of `signals`. Rejects with `overloaded` when too many wait. */
  async run<Result>(
    signals: readonly (AbortSignal | undefined)[],
    wait: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    if (this.#open.size >= this.max) {
      this.onLimit("mcp_waiters");
      throw new MatricError("overloaded", `The server has ${this.max} calls that wait already; try again in a few seconds.`, {
        retry_after_seconds: 5,
        limit: "mcp_waiters",
      });
    }
    // Not AbortSignal.any: its signals live as long as the longest of those that it was made of.
    const controller = new AbortController();
    const abort = () => controller.abort();
    for (const signal of signals) {
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) abort();
    }
    this.#open.add(controller);
    try {
      return await wait(controller.signal);
    } finally {
      this.#open.delete(controller);
      for (const signal of signals) signal?.removeEventListener("abort", abort);
    }
  }

  /** Those who wait are answered with what there is. */
  endAll(): void {
    for (const controller of this.#open) controller.abort();
  }
}
