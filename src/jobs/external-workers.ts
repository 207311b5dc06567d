import { type Clock, timestamp } from "../clock.ts";
import { invalid, MatricError, tooLarge } from "../errors.ts";
import {
  type ClaimedJob,
  type ClaimJob,
  type CompleteJob,
  type FailJob,
  type Holder,
  type Job,
  jsonBytesMax,
  type ProgressAnswer,
  type ReportProgress,
} from "./contract.ts";
import type { LeaseDesk } from "./desk.ts";
import * as lifecycle from "./lifecycle.ts";
import { type JobRow, toJob } from "./store.ts";

/**
 * The queue for workers outside this process. A worker that shows its name or the token of its lease is refused with `conflict`
 * once the job is no longer its own; one that shows neither is believed.
 */
export class ExternalWorkers {
  constructor(
    private readonly desk: LeaseDesk,
    private readonly types: readonly string[],
    private readonly clock: Clock,
  ) {}

  /**
   * The next job of one of the types, or undefined when none came within `wait_seconds` (or the worker went away first).
   * Rejects with `invalid` for types that external workers do not serve, with `draining` when the server stops.
   */
  async claim(request: ClaimJob, signal?: AbortSignal): Promise<ClaimedJob | undefined> {
    const { types, worker_id: workerId, wait_seconds: waitSeconds = 0 } = request;
    this.#mustServe(types);
    const claim = await this.desk.claim({ types, workerId, waitMs: waitSeconds * 1000, signal });
    if (!claim) return undefined;
    const { row } = claim;
    const lease = {
      token: row.lease_token ?? "",
      lease_seconds: this.desk.leaseMs / 1000,
      lease_expires_at: timestamp(row.lease_expires_at ?? 0),
    };
    return { ...toJob(row), payload: JSON.parse(row.payload), lease };
  }

  /** Stores the progress and renews the lease. A worker whose job was cancelled is told so and should stop. */
  progress(id: string, report: ReportProgress): Promise<ProgressAnswer> {
    return this.desk.change(id, (tx, row) => {
      if (row.status === "cancelled") return { cancelled: true, lease_expires_at: null };
      mustHold(row, report);
      const renewed = this.desk.renew(tx, row, report.progress, report.message);
      return { cancelled: false, lease_expires_at: timestamp(renewed.lease_expires_at ?? 0) };
    });
  }

  /** Ends the job. Saying it again with the same `lease_token` is answered like the first time. */
  complete(id: string, { result = null, ...holder }: CompleteJob): Promise<Job> {
    return this.desk.change(id, (tx, row) => {
      if (row.status === "completed" && row.lease_token === holder.lease_token) return toJob(row);
      mustHold(row, holder);
      const bytes = Buffer.byteLength(JSON.stringify(result));
      if (bytes > jsonBytesMax) throw tooLarge("result", bytes, jsonBytesMax);
      return toJob(this.desk.advance(tx, row, (job) => lifecycle.complete(job, result, this.clock.now())));
    });
  }

  /** Ends the attempt; unless `retry` is false the job runs again while attempts are left. */
  fail(id: string, { error_code: errorCode, error, retry = true, ...holder }: FailJob): Promise<Job> {
    return this.desk.change(id, (tx, row) => {
      mustHold(row, holder);
      return toJob(this.desk.advance(tx, row, (job) => lifecycle.fail(job, { errorCode, error, retry }, this.clock.now())));
    });
  }

  #mustServe(types: readonly string[]): void {
    const wrong = types.find((type) => !this.types.includes(type));
    if (wrong === undefined) return;
    const known = this.types.length === 0 ? "none are named in MATRIC_JOB_TYPES" : `those are ${this.types.join(", ")}`;
    throw invalid("types", `types must be ones that external workers serve (${known}), not "${wrong}".`);
  }
}

function mustHold(row: JobRow, holder: Holder): void {
  if (row.status === "queued") throw conflict("The lease on this job has expired; the job waits for its next attempt.");
  if (row.status === "cancelled") throw conflict("The job was cancelled: leave off.");
  if (row.status !== "running") throw conflict(`The job is ${row.status} already.`);
  if (row.worker_id === null) throw conflict("The server itself runs this job.");
  const isStale = holder.lease_token !== undefined && holder.lease_token !== row.lease_token;
  const isForeign = holder.worker_id !== undefined && holder.worker_id !== row.worker_id;
  if (isStale || isForeign) throw conflict("Another worker holds the lease on this job.");
}

function conflict(message: string): MatricError {
  return new MatricError("conflict", message);
}
