import { timestamp } from "../clock.ts";
import type { Db } from "../db/open.ts";
import { delayMsMax } from "./backoff.ts";
import type { Job, JobStatus } from "./contract.ts";

/** A row of `jobs`. Times are milliseconds since 1970, `payload` and `result` JSON text. */
export interface JobRow {
  id: string;
  type: string;
  note_id: string | null;
  payload: string;
  status: JobStatus;
  priority: number;
  progress: number;
  message: string | null;
  attempt: number;
  max_attempts: number;
  error_code: string | null;
  error: string | null;
  result: string | null;
  fingerprint: string;
  run_at: number | null;
  /** Null while running: the server's own worker holds the lease. */
  worker_id: string | null;
  lease_token: string | null;
  lease_expires_at: number | null;
  created_at: number;
  started_at: number | null;
  attempt_started_at: number | null;
  finished_at: number | null;
  /** `traceparent` of what queued it. */
  trace_context: string | null;
}

export interface JobFilter {
  status?: JobStatus;
  type?: string;
  note_id?: string;
  /** Only jobs older than the one with this id. */
  beforeId?: string;
}

const given = ["id", "type", "note_id", "payload", "priority", "max_attempts", "fingerprint", "created_at"] as const;
const changing = [
  "status",
  "progress",
  "message",
  "attempt",
  "error_code",
  "error",
  "result",
  "run_at",
  "worker_id",
  "lease_token",
  "lease_expires_at",
  "started_at",
  "attempt_started_at",
  "finished_at",
  "trace_context",
] as const;

/** The rows of jobs and of the queue's state. Changes belong into a write transaction. Prepared once: they run for every job. */
export class JobStore {
  readonly #sqlite;
  readonly #insert;
  readonly #save;
  readonly #saveProgress;
  readonly #get;
  readonly #waitingEqual;
  readonly #ready;
  readonly #release;
  readonly #releaseOdd;
  readonly #nextRunAt;
  readonly #running;
  readonly #count;
  readonly #oldestWaiting;
  readonly #paused;
  readonly #setPaused;

  constructor(db: Db) {
    const { sqlite } = db;
    this.#sqlite = sqlite;
    const columns = [...given, ...changing];
    this.#insert = sqlite.query(`INSERT INTO jobs (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`);
    this.#save = sqlite.query(`UPDATE jobs SET ${changing.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`);
    this.#saveProgress = sqlite.query("UPDATE jobs SET progress = ?, message = ?, lease_expires_at = ? WHERE id = ?");
    this.#get = sqlite.query<JobRow, [string]>("SELECT * FROM jobs WHERE id = ?");
    // Without INDEXED BY SQLite would go through all waiting jobs by their status.
    this.#waitingEqual = sqlite.query<JobRow, [string]>(
      "SELECT * FROM jobs INDEXED BY jobs_waiting_equal WHERE status = 'queued' AND fingerprint = ? ORDER BY id LIMIT 1",
    );
    const ready = "FROM jobs INDEXED BY jobs_ready WHERE status = 'queued' AND run_at IS NULL AND type = ?1";
    this.#ready = sqlite.query<JobRow, [string]>(
      `SELECT * ${ready} AND priority = (SELECT max(priority) ${ready}) ORDER BY id LIMIT 1`,
    );
    const isDelayed = "status = 'queued' AND run_at IS NOT NULL";
    const release = `UPDATE jobs INDEXED BY jobs_delayed SET run_at = NULL WHERE ${isDelayed}`;
    this.#release = sqlite.query(`${release} AND run_at <= ?`);
    this.#releaseOdd = sqlite.query(`${release} AND run_at > ?`);
    this.#nextRunAt = sqlite.query<{ at: number | null }, []>(
      `SELECT min(run_at) AS at FROM jobs INDEXED BY jobs_delayed WHERE ${isDelayed}`,
    );
    this.#running = sqlite.query<JobRow, []>("SELECT * FROM jobs WHERE status = 'running' ORDER BY id");
    this.#count = sqlite.query<{ count: number }, [JobStatus]>("SELECT count(*) AS count FROM jobs WHERE status = ?");
    this.#oldestWaiting = sqlite.query<{ created_at: number }, []>(
      "SELECT created_at FROM jobs WHERE status = 'queued' ORDER BY id LIMIT 1",
    );
    this.#paused = sqlite.query<{ paused: number }, []>("SELECT paused FROM queue_state");
    this.#setPaused = sqlite.query("UPDATE queue_state SET paused = ?");
  }

  insert(row: JobRow): void {
    this.#insert.run(...given.map((column) => row[column]), ...changing.map((column) => row[column]));
  }

  /** Stores everything about the job that can change. */
  save(row: JobRow): void {
    this.#save.run(...changing.map((column) => row[column]), row.id);
  }

  saveProgress(row: Pick<JobRow, "id" | "progress" | "message" | "lease_expires_at">): void {
    this.#saveProgress.run(row.progress, row.message, row.lease_expires_at, row.id);
  }

  get(id: string): JobRow | undefined {
    return this.#get.get(id) ?? undefined;
  }

  /** The oldest waiting job that asks for the same work. */
  waitingEqual(fingerprint: string): JobRow | undefined {
    return this.#waitingEqual.get(fingerprint) ?? undefined;
  }

  /** The next job of this type: the highest priority, and of these the oldest. */
  ready(type: string): JobRow | undefined {
    return this.#ready.get(type) ?? undefined;
  }

  /** Lets the jobs start whose delay is over, or is longer than any: the wall clock was set back since. */
  releaseDelayed(now: number): void {
    this.#release.run(now);
    this.#releaseOdd.run(now + delayMsMax);
  }

  /** When the next delay is over. */
  nextRunAt(): number | undefined {
    return this.#nextRunAt.get()?.at ?? undefined;
  }

  running(): JobRow[] {
    return this.#running.all();
  }

  count(status: JobStatus): number {
    return this.#count.get(status)?.count ?? 0;
  }

  /** When the oldest waiting job was made. */
  oldestWaitingAt(): number | undefined {
    return this.#oldestWaiting.get()?.created_at;
  }

  /** At most `limit` jobs, newest first; each is read when it is asked for. */
  list(filter: JobFilter, limit: number): Iterable<JobRow> {
    const { beforeId, ...equal } = filter;
    const wanted = Object.entries(equal).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const conditions = wanted.map(([column]) => `${column} = ?`);
    const values = wanted.map(([, value]) => value);
    if (beforeId !== undefined) {
      conditions.push("id < ?");
      values.push(beforeId);
    }
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    // One note has few jobs, one status may have nearly all.
    const index = filter.note_id === undefined ? "" : "INDEXED BY jobs_by_note";
    return this.#sqlite
      .query<JobRow, (string | number)[]>(`SELECT * FROM jobs ${index} ${where} ORDER BY id DESC LIMIT ?`)
      .iterate(...values, limit);
  }

  paused(): boolean {
    return this.#paused.get()?.paused === 1;
  }

  setPaused(paused: boolean): void {
    this.#setPaused.run(paused ? 1 : 0);
  }
}

/** The job as the world sees it. */
export function toJob(row: JobRow): Job {
  return {
    id: row.id,
    type: row.type,
    note_id: row.note_id,
    status: row.status,
    priority: row.priority,
    progress: row.progress,
    message: row.message,
    attempt: row.attempt,
    max_attempts: row.max_attempts,
    error_code: row.error_code,
    error: row.error,
    result: row.result === null ? null : JSON.parse(row.result),
    created_at: timestamp(row.created_at),
    started_at: row.started_at === null ? null : timestamp(row.started_at),
    finished_at: row.finished_at === null ? null : timestamp(row.finished_at),
  };
}
