import type { Clock } from "../clock.ts";
import type { Tx } from "../db/writer.ts";
import type { Claim } from "./claimants.ts";
import type { LeaseDesk } from "./desk.ts";
import { type Completed, type JobContext, JobError } from "./handler.ts";
import * as lifecycle from "./lifecycle.ts";

/** One attempt at a job by the server's own worker. */
export class Attempt implements JobContext {
  readonly attempt: number;
  readonly trace: string | null;
  readonly signal: AbortSignal;
  /** The job that was taken in the transaction in which this one ended. */
  next: Claim | undefined;

  /** `takeNext` is asked for that job; it may have none. */
  constructor(
    private readonly claim: Claim,
    private readonly desk: LeaseDesk,
    private readonly clock: Clock,
    private readonly takeNext: (tx: Tx) => Claim | undefined,
  ) {
    this.attempt = claim.row.attempt;
    this.trace = claim.row.trace_context;
    this.signal = claim.running.abort.signal;
  }

  readonly progress = (percent: number, message?: string): void => {
    if (Number.isNaN(percent)) throw new RangeError("progress must be a number from 0 to 100");
    this.desk.report(this.claim.running, percent, message);
  };

  readonly complete = async (change: (tx: Tx) => Record<string, unknown> | undefined): Promise<Completed | undefined> => {
    let completed: Completed | undefined;
    try {
      const isRunning = await this.desk.changeAttempt(this.claim.running, (tx, row) => {
        const result = change(tx);
        if (result === undefined) return;
        this.desk.advance(tx, row, (job) => lifecycle.complete(job, result, this.clock.now()));
        completed = { result };
        this.next = this.takeNext(tx);
      });
      if (!isRunning) throw new JobError({ ...lifecycle.leaseExpired, error: "The job is no longer this worker's." });
      return completed;
    } catch (error) {
      // The disk may have refused the change or only its sync: what is not running is not given back.
      if (this.next) await this.desk.giveBack(this.next.running);
      this.next = undefined;
      throw error;
    }
  };

  /** Ends the attempt without a result, unless it is over already. */
  async fail(failure: lifecycle.Failure): Promise<void> {
    await this.desk.changeAttempt(this.claim.running, (tx, row) =>
      this.desk.advance(tx, row, (job) => lifecycle.fail(job, failure, this.clock.now())),
    );
  }
}
