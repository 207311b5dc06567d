import type { Clock } from "../clock.ts";
import type { Db } from "../db/open.ts";
import type { Tx, Writer } from "../db/writer.ts";
import { invalid, MatricError, notFound, tooLarge } from "../errors.ts";
import type { Actor } from "../events/catalog.ts";
import { draft, type EventLog } from "../events/log.ts";
import { idCursor } from "../id-cursor.ts";
import type { Logger } from "../logger.ts";
import {
  aiRevision,
  type CreateJob,
  type Job,
  type JobPage,
  jsonBytesMax,
  type ListJobs,
  type QueueStatus,
  type ReviseNote,
} from "./contract.ts";
import { LeaseDesk } from "./desk.ts";
import { ExternalWorkers } from "./external-workers.ts";
import { fingerprint } from "./fingerprint.ts";
import type { InternalJobType } from "./handler.ts";
import { JobLedger } from "./ledger.ts";
import * as lifecycle from "./lifecycle.ts";
import { type JobRow, JobStore, toJob } from "./store.ts";
import { JobWorker } from "./worker.ts";

/** A page ends early rather than hold hundreds of the largest results. */
const pageCharsMax = 16 * 1024 * 1024;

export interface JobQueueOptions {
  db: Db;
  writer: Writer;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  /** What the server itself serves. */
  internalTypes: readonly InternalJobType[];
  /** The types that external workers serve. */
  externalTypes: readonly string[];
  /** Attempts before a job fails for good. */
  attemptsMax: number;
  /** How long a worker may be silent before its job is given to another. */
  leaseMs: number;
  /** Jobs that the server itself runs at once. */
  concurrency: number;
  /** Jobs that may wait at once; any number, if not given. */
  waitingMax?: number;
}

/** A job, and whether it was made for this request or waited already. */
export interface CreatedJob {
  job: Job;
  created: boolean;
}

/** Jobs as their users see them, and the server's own worker for them. Workers outside this process use `external`. */
export class JobQueue {
  readonly external: ExternalWorkers;
  readonly #options: JobQueueOptions;
  readonly #desk: LeaseDesk;
  readonly #worker: JobWorker;
  readonly #store: JobStore;
  readonly #ledger: JobLedger;
  /** Jobs on their way into the queue, which the ledger counts when they are durable. */
  #entering = 0;
  #stopped: Promise<void> | undefined;

  /** Throws `invalid` when a type would be served both by the server and by external workers. */
  constructor(options: JobQueueOptions) {
    const { db, log, internalTypes, externalTypes } = options;
    const taken = internalTypes.find(({ type }) => externalTypes.includes(type));
    if (taken) throw invalid("MATRIC_JOB_TYPES", `MATRIC_JOB_TYPES must not name "${taken.type}": the server itself serves it.`);
    this.#options = options;
    this.#store = new JobStore(db);
    this.#ledger = new JobLedger(this.#store, log);
    this.#desk = new LeaseDesk({ ...options, store: this.#store, ledger: this.#ledger });
    this.#worker = new JobWorker({ ...options, desk: this.#desk, types: internalTypes });
    this.external = new ExternalWorkers(this.#desk, externalTypes, options.clock);
  }

  /** Takes back the jobs that were running when the server died, and begins to work. */
  async start(): Promise<void> {
    await this.#desk.recover();
    this.#worker.start();
  }

  /**
   * Gives out no more jobs, and sends away those who wait for one. Waits up to `graceMs` for the jobs that run, here and at external
   * workers; the rest goes back into the queue without loss of an attempt. Calling it again waits for the same end.
   */
  stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#desk.close();
    await Promise.all([this.#worker.stop({ graceMs }), this.#desk.drain(graceMs)]);
    this.#desk.stop();
  }

  /**
   * Makes a job, or finds an equal one that waits when `deduplicate` is set.
   * Rejects with `invalid` for an unknown type or a payload that the type does not take, with `too_large` for one beyond 64 KiB.
   */
  async create(request: CreateJob, actor: Actor): Promise<CreatedJob> {
    try {
      return await this.#create(request, actor);
    } catch (error) {
      // The note is a field of this request, not its address.
      if (error instanceof MatricError && error.code === "not_found") throw invalid("note_id", error.message);
      throw error;
    }
  }

  /** Makes an `ai_revision` job for the note. Rejects with `not_found` when there is no such note. */
  async revise(noteId: string, request: ReviseNote, actor: Actor): Promise<CreatedJob> {
    return this.#create({ type: aiRevision, note_id: noteId, payload: { ...request } }, actor);
  }

  /** Throws `not_found`. */
  get(id: string): Job {
    const row = this.#store.get(id);
    if (!row) throw notFound("job", id);
    return toJob(row);
  }

  /** Newest first: at most `limit` jobs, fewer when their results are very large. Throws `invalid` for a cursor that is none. */
  list({ limit = 50, cursor, ...filter }: ListJobs): JobPage {
    const beforeId = cursor === undefined ? undefined : idCursor(cursor);
    const items: Job[] = [];
    let chars = 0;
    for (const row of this.#store.list({ ...filter, beforeId }, limit + 1)) {
      if (items.length === limit || chars >= pageCharsMax) return { items, next_cursor: items.at(-1)?.id ?? null };
      items.push(toJob(row));
      chars += row.result?.length ?? 0;
    }
    return { items, next_cursor: null };
  }

  /** Cancels a job that waits or runs; one that runs is told at once. Rejects with `conflict` when it is finished. */
  cancel(id: string, actor: Actor): Promise<Job> {
    return this.#desk.change(id, (tx, row) => {
      if (row.finished_at !== null) throw conflict(`The job is ${row.status} already and cannot be cancelled.`);
      return toJob(this.#desk.advance(tx, row, (job) => lifecycle.cancel(job, actor, this.#options.clock.now())));
    });
  }

  /** Lets a failed or cancelled job begin anew, with all its attempts. Rejects with `conflict` for any other. */
  retry(id: string, actor: Actor): Promise<Job> {
    return this.#withRoom((enter) =>
      this.#desk.change(id, (tx, row) => {
        if (row.status !== "failed" && row.status !== "cancelled") {
          throw conflict(`The job is ${row.status}; only a failed or cancelled job can be retried.`);
        }
        enter();
        return toJob(this.#desk.advance(tx, row, (job) => lifecycle.retry(job, actor)));
      }),
    );
  }

  status(): QueueStatus {
    return this.#ledger.status();
  }

  /** How long the oldest waiting job has waited, also between two attempts; 0 when none does. */
  oldestWaitingMs(): number {
    const now = this.#options.clock.now();
    return Math.max(0, now - (this.#store.oldestWaitingAt() ?? now));
  }

  /** Hears of every committed change of the status (`queue_depth`, `paused`), right after it. Must not throw. */
  onDepthChange(listener: (status: QueueStatus) => void): void {
    this.#ledger.onChange(listener);
  }

  /** Workers take no more jobs; what runs goes on. Pausing twice changes nothing. */
  pause(actor: Actor): Promise<QueueStatus> {
    return this.#setPaused(true, actor);
  }

  resume(actor: Actor): Promise<QueueStatus> {
    return this.#setPaused(false, actor);
  }

  async #setPaused(paused: boolean, actor: Actor): Promise<QueueStatus> {
    const { writer, log } = this.#options;
    await writer.write((tx) => {
      if (this.#store.paused() === paused) return;
      this.#ledger.setPaused(tx, paused);
      log.append(tx, [draft(paused ? "QueuePaused" : "QueueResumed", {}, actor)]);
      tx.afterCommit(() => this.#desk.look());
    });
    return this.status();
  }

  #create(request: CreateJob, actor: Actor): Promise<CreatedJob> {
    const { type, note_id: noteId, payload = {}, deduplicate = false } = request;
    return this.#withRoom((enter) =>
      this.#options.writer.write((tx) => {
        this.#accept(type, noteId, payload);
        const work = fingerprint([type, noteId ?? null, payload]);
        const waiting = deduplicate ? this.#store.waitingEqual(work) : undefined;
        if (waiting) return { job: toJob(waiting), created: false };
        enter();
        return { job: toJob(this.#add(tx, request, work, actor)), created: true };
      }),
    );
  }

  /** Runs a change that may put one job into the queue, which it says by `enter`: that throws `overloaded` when there is no room. */
  async #withRoom<Result>(change: (enter: () => void) => Promise<Result>): Promise<Result> {
    const { waitingMax = Number.POSITIVE_INFINITY } = this.#options;
    let entered = 0;
    const enter = () => {
      if (this.#ledger.status().pending + this.#entering >= waitingMax) {
        const message = `${waitingMax} jobs wait already; try again when some are done.`;
        throw new MatricError("overloaded", message, { retry_after_seconds: 10, limit: "jobs_waiting" });
      }
      entered = 1;
      this.#entering++;
    };
    try {
      return await change(enter);
    } finally {
      this.#entering -= entered;
    }
  }

  #accept(type: string, noteId: string | undefined, payload: Record<string, unknown>): void {
    const { internalTypes, externalTypes } = this.#options;
    const internal = internalTypes.find((one) => one.type === type);
    if (internal) internal.accept({ noteId, payload });
    else if (!externalTypes.includes(type)) {
      const known = [...internalTypes.map((one) => one.type), ...externalTypes].join(", ");
      throw invalid(
        "type",
        `type must be one of ${known}, not "${type}"; MATRIC_JOB_TYPES names those that external workers serve.`,
      );
    }
    const bytes = Buffer.byteLength(JSON.stringify(payload));
    if (bytes > jsonBytesMax) throw tooLarge("payload", bytes, jsonBytesMax);
  }

  #add(tx: Tx, request: CreateJob, work: string, actor: Actor): JobRow {
    const { clock, attemptsMax } = this.#options;
    const now = clock.now();
    const row: JobRow = {
      id: Bun.randomUUIDv7("hex", now),
      type: request.type,
      note_id: request.note_id ?? null,
      payload: JSON.stringify(request.payload ?? {}),
      status: "queued",
      priority: request.priority ?? 0,
      progress: 0,
      message: null,
      attempt: 0,
      max_attempts: attemptsMax,
      error_code: null,
      error: null,
      result: null,
      fingerprint: work,
      run_at: null,
      worker_id: null,
      lease_token: null,
      lease_expires_at: null,
      created_at: now,
      started_at: null,
      attempt_started_at: null,
      finished_at: null,
      trace_context: null,
    };
    tx.afterCommit(() => this.#desk.look());
    return this.#ledger.add(tx, { row, event: { kind: "queued", job: row, actor } });
  }
}

function conflict(message: string): MatricError {
  return new MatricError("conflict", message);
}
