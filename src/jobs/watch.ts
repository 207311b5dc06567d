import type { Cancel, Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import type { RunningJob } from "./running-job.ts";
import type { JobRow } from "./store.ts";

/** After a failure of the storage the next try waits so long. */
const retryMs = 1000;

interface Watched {
  job: RunningJob;
  isAttending: boolean;
  cancelTimer: Cancel;
}

/** Looks after the running jobs: each is attended to when it is due, to tell how far it is or to take its lease away. */
export class JobWatch {
  readonly #watched = new Map<string, Watched>();
  #isStopped = false;
  #empty = Promise.withResolvers<void>();

  /** `attend` does what is due, if anything still is; false when the attempt is over. */
  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly attend: (job: RunningJob) => Promise<boolean>,
  ) {}

  stop(): void {
    this.#isStopped = true;
    for (const { cancelTimer } of this.#watched.values()) cancelTimer();
    this.#watched.clear();
    this.#empty.resolve();
  }

  /** Those whose attempt is not over. */
  jobs(): RunningJob[] {
    return [...this.#watched.values()].map(({ job }) => job);
  }

  /** Resolves as soon as no attempt is under way any more. */
  whenEmpty(): Promise<void> {
    this.#empty = Promise.withResolvers();
    if (this.#watched.size === 0) this.#empty.resolve();
    return this.#empty.promise;
  }

  add(job: RunningJob): void {
    if (this.#isStopped) return;
    this.#watched.set(job.id, { job, isAttending: false, cancelTimer: () => {} });
    this.attune(job);
  }

  get(id: string): RunningJob | undefined {
    return this.#watched.get(id)?.job;
  }

  /** The attempt that this row tells of; undefined when it is not (or not yet, or no longer) watched. */
  attemptOf(row: JobRow): RunningJob | undefined {
    const job = this.get(row.id);
    return job?.token === row.lease_token ? job : undefined;
  }

  /** The attempt is over: its worker is told by the signal. */
  end(job: RunningJob): void {
    const watched = this.#find(job);
    if (!watched) return;
    watched.cancelTimer();
    this.#watched.delete(job.id);
    job.abort.abort();
    if (this.#watched.size === 0) this.#empty.resolve();
  }

  /** When the job is due may have changed. */
  attune(job: RunningJob, leastMs = 0): void {
    const watched = this.#find(job);
    if (!watched || watched.isAttending) return;
    watched.cancelTimer();
    const nowMs = this.clock.monotonicMs();
    const waitMs = Math.max(leastMs, job.nextDueMs(nowMs) - nowMs);
    if (waitMs <= 0) this.#attend(watched);
    else watched.cancelTimer = this.clock.after(waitMs, () => this.#attend(watched));
  }

  #find(job: RunningJob): Watched | undefined {
    const watched = this.#watched.get(job.id);
    return watched?.job === job ? watched : undefined;
  }

  async #attend(watched: Watched): Promise<void> {
    const { job } = watched;
    watched.isAttending = true;
    let isRunning = true;
    let leastMs = 0;
    try {
      isRunning = await this.attend(job);
    } catch (error) {
      this.logger.warn("a running job could not be attended to", { job_id: job.id, error: String(error) });
      leastMs = retryMs;
    }
    watched.isAttending = false;
    // An attempt that is over is forgotten as soon as the disk holds its end.
    if (isRunning) this.attune(job, leastMs);
  }
}
