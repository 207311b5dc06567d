import type { Holds } from "../auth/holds.ts";
import type { Principal } from "../auth/principal.ts";
import { MatricError } from "../errors.ts";

/** Requests that wait for something to happen. Their number is bounded, and they end with the token that they came with. */
export class Polls {
  #open = 0;

  constructor(
    private readonly holds: Holds,
    private readonly max: number,
    /** Aborted when the server begins to shut down: who waits gets an answer then. */
    private readonly stopping: AbortSignal,
  ) {}

  get count(): number {
    return this.#open;
  }

  /**
   * Runs `wait` with a signal that aborts when the client goes away or may not have the answer any more.
   * Rejects with `overloaded` when too many wait, with `unauthorized` when the token ended meanwhile.
   */
  async run<Result>(principal: Principal, request: Request, wait: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    if (this.#open >= this.max) {
      const message = `${this.max} requests wait for something to happen already; try again in a few seconds.`;
      throw new MatricError("overloaded", message, { retry_after_seconds: 5, limit: "polls" });
    }
    const ended = new AbortController();
    const abort = () => ended.abort();
    let refusal: MatricError | undefined;
    const release = this.holds.add({
      principal,
      end(reason) {
        refusal = new MatricError("unauthorized", `The access token ${reason === "revoked" ? "was revoked" : "has expired"}.`);
        abort();
      },
    });
    // Not AbortSignal.any: its signals live as long as the longest of those that it was made of.
    const signals = [request.signal, this.stopping];
    for (const signal of signals) signal.addEventListener("abort", abort);
    if (signals.some((signal) => signal.aborted)) abort();
    this.#open++;
    try {
      const result = await wait(ended.signal);
      if (refusal) throw refusal;
      return result;
    } finally {
      this.#open--;
      release();
      for (const signal of signals) signal.removeEventListener("abort", abort);
    }
  }
}
