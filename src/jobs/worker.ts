import { type Clock, waitAtMost } from "../clock.ts";
import type { Logger } from "../logger.ts";
import { Attempt } from "./attempt.ts";
import type { Claim } from "./claimants.ts";
import type { LeaseDesk } from "./desk.ts";
import { type InternalJobType, JobError } from "./handler.ts";
import type { Failure } from "./lifecycle.ts";

/** After a failure to claim, the next try waits so long. */
const claimRetryMs = 1000;
/** Handlers that were told to stop are waited for so long; what they do later is refused. */
const leaveOffMs = 1000;

export interface JobWorkerOptions {
  desk: LeaseDesk;
  types: readonly InternalJobType[];
  clock: Clock;
  logger: Logger;
  /** Jobs that run at once. */
  concurrency: number;
}

/** The server's own worker. */
export class JobWorker {
  readonly #options: JobWorkerOptions;
  readonly #types: ReadonlyMap<string, InternalJobType>;
  readonly #names: readonly string[];
  readonly #stopClaiming = new AbortController();
  readonly #claims = new Set<Claim>();
  #isOver = false;
  #slots: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: JobWorkerOptions) {
    this.#options = options;
    this.#types = new Map(options.types.map((type) => [type.type, type]));
    this.#names = [...this.#types.keys()];
  }

  start(): void {
    this.#slots = Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#slot()));
  }

  /**
   * Takes no more jobs, and waits up to `graceMs` for those that run; the rest is told to stop and given back to the queue
   * without loss of an attempt. Calling it again waits for the same end.
   */
  stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    const { desk, clock } = this.#options;
    this.#stopClaiming.abort();
    await waitAtMost(clock, graceMs, this.#slots);
    this.#isOver = true;
    await Promise.all([...this.#claims].map((claim) => desk.giveBack(claim.running)));
    await waitAtMost(clock, leaveOffMs, this.#slots);
  }

  async #slot(): Promise<void> {
    const { signal } = this.#stopClaiming;
    let next: Claim | undefined;
    while (next || !signal.aborted) {
      const claim: Claim | undefined = next ?? (await this.#claim(signal));
      next = claim && (await this.#run(claim));
    }
  }

  async #claim(signal: AbortSignal): Promise<Claim | undefined> {
    const { desk, clock, logger } = this.#options;
    try {
      return await desk.claim({ types: this.#names, workerId: null, signal });
    } catch (error) {
      logger.warn("no job could be claimed", { error: String(error) });
      await new Promise<void>((resolve) => {
        const cancel = clock.after(claimRetryMs, resolve);
        signal.addEventListener("abort", () => resolve(cancel()), { once: true });
      });
      return undefined;
    }
  }

  /** Returns the job that was taken together with the end of this one. */
  async #run(claim: Claim): Promise<Claim | undefined> {
    const { desk, clock } = this.#options;
    const { row, running } = claim;
    if (this.#isOver) {
      await desk.giveBack(running);
      return undefined;
    }
    this.#claims.add(claim);
    const attempt = new Attempt(claim, desk, clock, (tx) =>
      this.#stopClaiming.signal.aborted ? undefined : desk.next(tx, this.#names),
    );
    try {
      const type = this.#types.get(row.type);
      if (!type) throw new Error(`no handler for ${row.type}`);
      await type.run({ id: row.id, noteId: row.note_id, payload: JSON.parse(row.payload) }, attempt);
    } catch (error) {
      if (!attempt.signal.aborted) await this.#fail(claim, attempt, error);
    } finally {
      this.#claims.delete(claim);
    }
    return attempt.next;
  }

  async #fail(claim: Claim, attempt: Attempt, error: unknown): Promise<void> {
    const { desk, logger } = this.#options;
    try {
      await attempt.fail(this.#failureOf(claim, error));
    } catch (failed) {
      logger.error("the end of a job could not be stored", { job_id: claim.row.id, error: String(failed) });
      desk.abandon(claim.running);
    }
  }

  #failureOf({ row }: Claim, error: unknown): Failure {
    const { logger } = this.#options;
    const fields = { job_id: row.id, job_type: row.type, attempt: row.attempt };
    if (error instanceof JobError) {
      // What an AI server had to say is for the job's reader alone.
      logger.info("an attempt failed", { ...fields, error_code: error.failure.errorCode });
      return error.failure;
    }
    logger.error("an attempt failed unexpectedly", { ...fields, error: error instanceof Error ? error.stack : String(error) });
    return { errorCode: "internal", error: "The job failed inside the server; the server's log tells more.", retry: true };
  }
}
