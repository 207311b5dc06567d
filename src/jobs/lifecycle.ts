import type { Actor } from "../events/catalog.ts";
import { retryDelayMs } from "./backoff.ts";
import type { OwnErrorCode } from "./contract.ts";
import type { JobRow } from "./store.ts";
import type { WorkerEvent } from "./worker-event.ts";

/** One step in a job's life: the row as it will be, and the words for what happened. */
export interface Step {
  row: JobRow;
  event: WorkerEvent;
}

/** Why an attempt did not come to its end. */
export interface Failure {
  errorCode: string;
  error: string;
  /** Whether another attempt could succeed. */
  retry: boolean;
  /** Wait at least so long before it. */
  retryAfterMs?: number;
}

type OwnFailure = Partial<Failure> & { errorCode: OwnErrorCode };

/** The attempt is not the job's fault. */
const stopped = { errorCode: "worker_stopped", error: "The worker stopped before the job was done." } satisfies OwnFailure;
/** The worker was not heard of in time. */
export const leaseExpired = {
  errorCode: "lease_expired",
  error: "The worker was not heard of until its lease expired.",
  retry: true,
} satisfies OwnFailure;

const noLease = { lease_token: null, lease_expires_at: null, worker_id: null };

export function start(job: JobRow, lease: { workerId: string | null; token: string; expiresAt: number }, now: number): Step {
  const row: JobRow = {
    ...job,
    status: "running",
    progress: 0,
    message: null,
    attempt: job.attempt + 1,
    error_code: null,
    error: null,
    run_at: null,
    worker_id: lease.workerId,
    lease_token: lease.token,
    lease_expires_at: lease.expiresAt,
    started_at: job.started_at ?? now,
    attempt_started_at: now,
  };
  return { row, event: { kind: "started", job, attempt: row.attempt } };
}

export function complete(job: JobRow, result: unknown, now: number): Step {
  const row: JobRow = {
    ...job,
    status: "completed",
    progress: 100,
    result: JSON.stringify(result ?? null),
    lease_expires_at: null,
    finished_at: now,
  };
  return { row, event: { kind: "completed", job, durationMs: durationMs(job, now) } };
}

/** Ends the attempt: the job waits for the next one, or has failed for good when there is none or it would not help. */
export function fail(job: JobRow, failure: Failure, now: number): Step {
  const { errorCode, error } = failure;
  if (failure.retry && job.attempt < job.max_attempts) {
    return requeue(job, failure, now, retryDelayMs(job.attempt, failure.retryAfterMs));
  }
  const row: JobRow = { ...job, ...noLease, status: "failed", error_code: errorCode, error, finished_at: now };
  return { row, event: { kind: "failed", job, errorCode, error, attempts: job.attempt, durationMs: durationMs(job, now) } };
}

/** Like `fail` for a job whose worker died with the server: it may run again at once. */
export function recover(job: JobRow, now: number): Step {
  if (job.attempt >= job.max_attempts) return fail(job, leaseExpired, now);
  return requeue(job, leaseExpired, now, 0);
}

/** Gives the job back unfinished; the attempt does not count. */
export function release(job: JobRow, now: number): Step {
  const { row, event } = requeue(job, stopped, now, 0);
  return { row: { ...row, attempt: job.attempt - 1 }, event };
}

export function cancel(job: JobRow, actor: Actor, now: number): Step {
  const row: JobRow = { ...job, ...noLease, status: "cancelled", run_at: null, finished_at: now };
  return { row, event: { kind: "cancelled", job, actor } };
}

/** A failed or cancelled job begins anew, with all its attempts. */
export function retry(job: JobRow, actor: Actor): Step {
  const row: JobRow = {
    ...job,
    ...noLease,
    status: "queued",
    progress: 0,
    message: null,
    attempt: 0,
    error_code: null,
    error: null,
    started_at: null,
    attempt_started_at: null,
    finished_at: null,
  };
  return { row, event: { kind: "queued", job, actor } };
}

function requeue(job: JobRow, failure: { errorCode: string; error: string }, now: number, delayMs: number): Step {
  const { errorCode, error } = failure;
  const runAt = delayMs === 0 ? null : now + delayMs;
  const row: JobRow = { ...job, ...noLease, status: "queued", error_code: errorCode, error, run_at: runAt };
  return { row, event: { kind: "retrying", job, attempt: job.attempt, retryAt: now + delayMs, errorCode } };
}

// The wall clock can have been set back meanwhile.
function durationMs(job: JobRow, now: number): number {
  return Math.max(0, now - (job.started_at ?? now));
}
