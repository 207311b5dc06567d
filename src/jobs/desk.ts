import { type Cancel, type Clock, waitAtMost } from "../clock.ts";
import type { Change, Tx, Writer } from "../db/writer.ts";
import { MatricError, notFound } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type Claim, type Claimant, Claimants, type ClaimWait } from "./claimants.ts";
import type { JobLedger } from "./ledger.ts";
import * as lifecycle from "./lifecycle.ts";
import { RunningJob } from "./running-job.ts";
import type { JobRow, JobStore } from "./store.ts";
import { JobWatch } from "./watch.ts";

export interface DeskOptions {
  store: JobStore;
  ledger: JobLedger;
  writer: Writer;
  clock: Clock;
  logger: Logger;
  /** How long a worker may be silent before its job is given to another. */
  leaseMs: number;
}

/**
 * Where jobs are given out, and every step in their lives is taken. What is stored decides: each step looks at the row within
 * its transaction; what is held in memory (who waits, what is untold, when a lease ends) can be made anew from it. Between a change
 * and `afterCommit` the disk is waited for: other changes come in between, and see what is stored.
 */
export class LeaseDesk {
  readonly leaseMs: number;
  readonly #store: JobStore;
  readonly #ledger: JobLedger;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #claimants: Claimants;
  readonly #watch: JobWatch;
  #isLooking = false;
  #isOpen = true;
  #cancelWake: Cancel = () => {};

  constructor(options: DeskOptions) {
    this.leaseMs = options.leaseMs;
    this.#store = options.store;
    this.#ledger = options.ledger;
    this.#writer = options.writer;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#claimants = new Claimants(options.clock);
    this.#watch = new JobWatch(options.clock, options.logger, (job) => this.#attend(job));
  }

  /**
   * Takes back what the server's own worker held when it died, and keeps the leases of external workers.
   * Belongs at the start, before anybody claims.
   */
  async recover(): Promise<void> {
    await this.#writer.write((tx) => {
      for (const row of this.#store.running()) {
        if (row.worker_id === null) this.advance(tx, row, (job) => lifecycle.recover(job, this.#clock.now()));
        else tx.afterCommit(() => this.#resume(row));
      }
    });
  }

  /** Sends away those who wait for a job; nobody gets one any more. What runs can still be ended. */
  close(): void {
    this.#isOpen = false;
    this.#cancelWake();
    this.#claimants.dismiss();
  }

  /**
   * Waits up to `graceMs` until no job runs, and then takes back those that external workers still hold, so that they run again
   * right after the next start.
   */
  async drain(graceMs: number): Promise<void> {
    await waitAtMost(this.#clock, graceMs, this.#watch.whenEmpty());
    const held = this.#watch.jobs().filter((job) => job.deadlineMs !== undefined);
    await Promise.all(held.map((job) => this.giveBack(job)));
  }

  /** Closes, and leaves the jobs that still run to the next start. */
  stop(): void {
    this.close();
    this.#watch.stop();
  }

  /** The next job of one of the types. Undefined when the wait was over before there was one. Rejects after `close`. */
  claim(wait: ClaimWait): Promise<Claim | undefined> {
    if (!this.#isOpen) {
      return Promise.reject(new MatricError("draining", "The server is shutting down and gives out no more jobs."));
    }
    const claimed = this.#claimants.wait(wait);
    this.look();
    return claimed;
  }

  /** Gives jobs to those who wait, if there are any: to be called when one may have become ready. */
  look(): void {
    if (this.#isLooking || this.#claimants.isEmpty()) return;
    this.#isLooking = true;
    const looked = this.#writer.write((tx) => {
      this.#isLooking = false;
      this.#serve(tx);
    });
    looked.catch((error) => {
      this.#isLooking = false;
      this.#claimants.refuse(error);
    });
  }

  /** The next job for the server's own worker within a transaction in which another one ends: it need not wait for a look. */
  next(tx: Tx, types: readonly string[]): Claim | undefined {
    if (!this.#isOpen || this.#store.paused()) return undefined;
    this.#store.releaseDelayed(this.#clock.now());
    const row = this.#first(types, new Set());
    return row && this.#start(tx, row, null);
  }

  /** Changes one job in a transaction of its own; `change` is given the row as it is then. Rejects with `not_found`. */
  async change<T>(id: string, change: (tx: Tx, row: JobRow) => ReturnType<Change<T>>): Promise<T> {
    try {
      return await this.#writer.write<T>((tx) => {
        const row = this.#store.get(id);
        if (!row) throw notFound("job", id);
        return change(tx, row);
      });
    } catch (error) {
      // What the change had told of the job's progress was not stored either.
      if (error instanceof MatricError && error.code.startsWith("storage")) this.#watch.get(id)?.notTold();
      throw error;
    }
  }

  /** Changes a job if this attempt still runs; false when it is over. */
  changeAttempt(job: RunningJob, change: (tx: Tx, row: JobRow) => void): Promise<boolean> {
    return this.change(job.id, (tx, row) => {
      const isRunning = row.status === "running" && row.lease_token === job.token;
      if (isRunning) change(tx, row);
      return isRunning;
    });
  }

  /** Takes a job a step on. If that ends an attempt, its last word is told first, and its worker is told by the signal. */
  advance(tx: Tx, row: JobRow, step: (job: JobRow) => lifecycle.Step): JobRow {
    const job = this.#watch.attemptOf(row);
    if (job?.isUntold()) this.#tell(tx, row, job);
    const latest = job ? { ...row, progress: job.progress, message: job.message } : row;
    const next = this.#ledger.record(tx, row.status, step(latest));
    tx.afterCommit(() => {
      const ended = this.#watch.attemptOf(row);
      if (ended) this.#watch.end(ended);
      this.look();
    });
    return next;
  }

  /** The server's own worker tells how far it is: cheap, the newest word is stored and told at the pace of the log. */
  report(job: RunningJob, progress: number, message: string | undefined): void {
    // A handler that begins anew, since the note has changed, makes no bar go back.
    job.report(Math.max(job.progress, progress), message);
    this.#watch.attune(job);
  }

  /** An external worker tells how far it is: stored at once, told at the pace of the log; its lease begins anew. */
  renew(tx: Tx, row: JobRow, progress: number, message: string | undefined): JobRow {
    const job = this.#watch.attemptOf(row);
    // The claim is not answered yet: whoever speaks for the job has guessed its id.
    if (!job) throw new MatricError("conflict", "The job has not reached its worker yet.");
    const nowMs = this.#clock.monotonicMs();
    job.report(progress, message);
    job.deadlineMs = nowMs + this.leaseMs;
    const renewed = { ...row, progress: job.progress, message: job.message, lease_expires_at: this.#clock.now() + this.leaseMs };
    this.#store.saveProgress(renewed);
    if (job.isDue(nowMs)) this.#tell(tx, renewed, job);
    tx.afterCommit(() => this.#watch.attune(job));
    return renewed;
  }

  /** Gives a job back unfinished. If that cannot be stored, its lease runs out, or the next start takes it back. */
  async giveBack(job: RunningJob): Promise<void> {
    try {
      await this.changeAttempt(job, (tx, row) => this.advance(tx, row, (last) => lifecycle.release(last, this.#clock.now())));
    } catch (error) {
      this.#logger.error("a job could not be given back", { job_id: job.id, error: String(error) });
      job.abort.abort();
      this.abandon(job);
    }
  }

  /** The worker could not store the end of this job: its lease runs out, and the job runs again. */
  abandon(job: RunningJob): void {
    job.deadlineMs = this.#clock.monotonicMs() + this.leaseMs;
    this.#watch.attune(job);
  }

  #serve(tx: Tx): void {
    const isPaused = this.#store.paused();
    const unserved: Claimant[] = [];
    if (!isPaused) this.#store.releaseDelayed(this.#clock.now());
    const emptyTypes = new Set<string>();
    for (const claimant of this.#claimants.inOrder()) {
      const row = isPaused ? undefined : this.#first(claimant.types, emptyTypes);
      if (row) this.#give(tx, row, claimant);
      else unserved.push(claimant);
    }
    tx.afterCommit(() => {
      this.#claimants.dismissImpatient(unserved);
      this.#cancelWake();
      const runAt = isPaused || this.#claimants.isEmpty() ? undefined : this.#store.nextRunAt();
      if (runAt !== undefined) this.#cancelWake = this.#clock.after(runAt - this.#clock.now(), () => this.look());
    });
  }

  /** Of several types the job that comes first. Types that have none are remembered for those who stand further back in line. */
  #first(types: readonly string[], emptyTypes: Set<string>): JobRow | undefined {
    let first: JobRow | undefined;
    for (const type of types) {
      if (emptyTypes.has(type)) continue;
      const row = this.#store.ready(type);
      if (!row) emptyTypes.add(type);
      else if (!first || row.priority > first.priority || (row.priority === first.priority && row.id < first.id)) first = row;
    }
    return first;
  }

  #give(tx: Tx, row: JobRow, claimant: Claimant): void {
    const claim = this.#start(tx, row, claimant.workerId);
    this.#claimants.assign(claimant);
    tx.afterCommit(() => {
      if (!this.#claimants.serve(claimant, claim)) this.giveBack(claim.running);
    });
  }

  #start(tx: Tx, row: JobRow, workerId: string | null): Claim {
    const now = this.#clock.now();
    const nowMs = this.#clock.monotonicMs();
    const lease = { workerId, token: crypto.randomUUID(), expiresAt: now + this.leaseMs };
    const started = this.#ledger.record(tx, "queued", lifecycle.start(row, lease, now));
    const deadlineMs = workerId === null ? undefined : nowMs + this.leaseMs;
    const running = new RunningJob(started, { nowMs, elapsedMs: 0, deadlineMs, isUntold: false });
    tx.afterCommit(() => this.#watch.add(running));
    return { row: started, running };
  }

  /** Goes on watching a job that an external worker held when the server stopped. */
  #resume(row: JobRow): void {
    const now = this.#clock.now();
    const nowMs = this.#clock.monotonicMs();
    const leftMs = Math.min(this.leaseMs, Math.max(0, (row.lease_expires_at ?? now) - now));
    const elapsedMs = Math.max(0, now - (row.attempt_started_at ?? now));
    // Its last progress was stored, but whether an event told of it is not known: better twice than never.
    this.#watch.add(new RunningJob(row, { nowMs, elapsedMs, deadlineMs: nowMs + leftMs, isUntold: row.progress > 0 }));
  }

  /** Tells how far the job is, or takes its lease away, if that is due. */
  #attend(job: RunningJob): Promise<boolean> {
    return this.changeAttempt(job, (tx, row) => {
      const nowMs = this.#clock.monotonicMs();
      if (job.nextDueMs(nowMs) > nowMs) return;
      if (job.hasExpired(nowMs)) this.advance(tx, row, (last) => lifecycle.fail(last, lifecycle.leaseExpired, this.#clock.now()));
      else this.#tell(tx, row, job);
    });
  }

  /** Stores and tells how far the job is; for the server's own worker that is a sign of life too. */
  #tell(tx: Tx, row: JobRow, job: RunningJob): void {
    const { progress, message } = job;
    const nowMs = this.#clock.monotonicMs();
    const expiresAt = job.deadlineMs === undefined ? this.#clock.now() + this.leaseMs : row.lease_expires_at;
    this.#store.saveProgress({ id: row.id, progress, message, lease_expires_at: expiresAt });
    this.#ledger.append(tx, { kind: "progress", job: row, progress, message, elapsedMs: job.elapsedMs(nowMs) });
    job.told(nowMs);
  }
}
