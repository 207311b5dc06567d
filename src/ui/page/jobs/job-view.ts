import type { ReceivedEvent } from "../../../client/stream-item.ts";
import type { Job } from "../../../jobs/contract.ts";

/** A job as the page shows it: the server's record, moved on by events. */
export interface JobView {
  id: string;
  type: string;
  noteId: string | undefined;
  status: Job["status"];
  priority: number;
  progress: number;
  message: string | undefined;
  attempt: number;
  error: string | undefined;
  /** Between two attempts: when the next one begins. */
  retryAt: string | undefined;
  createdAt: string;
  finishedAt: string | undefined;
  /** Since the attempt started, as told at `elapsedAtMs` of this page's monotonic clock. */
  elapsedMs: number;
  elapsedAtMs: number;
  durationMs: number | undefined;
}

export function viewOf(job: Job): JobView {
  const startedMs = job.started_at === null ? undefined : Date.parse(job.started_at);
  const finishedMs = job.finished_at === null ? undefined : Date.parse(job.finished_at);
  return {
    id: job.id,
    type: job.type,
    noteId: job.note_id ?? undefined,
    status: job.status,
    priority: job.priority,
    progress: job.progress,
    message: job.message ?? undefined,
    attempt: job.attempt,
    error: job.error ?? undefined,
    retryAt: undefined,
    createdAt: job.created_at,
    finishedAt: job.finished_at ?? undefined,
    elapsedMs: startedMs === undefined ? 0 : Math.max(0, Date.now() - startedMs),
    elapsedAtMs: performance.now(),
    durationMs: startedMs === undefined || finishedMs === undefined ? undefined : finishedMs - startedMs,
  };
}

export function isActive({ status }: JobView): boolean {
  return status === "queued" || status === "running";
}

/** What a job looks like after an event about it; undefined when the event is about no job. */
export function afterEvent(find: (id: string) => JobView | undefined, event: ReceivedEvent): JobView | undefined {
  if (!event.name.startsWith("Job")) return undefined;
  const told =
    event.dataOf("JobQueued") ??
    event.dataOf("JobStarted") ??
    event.dataOf("JobProgress") ??
    event.dataOf("JobRetrying") ??
    event.dataOf("JobCompleted") ??
    event.dataOf("JobFailed") ??
    event.dataOf("JobCancelled");
  if (!told) return undefined;
  const before = find(told.job_id) ?? unknownJob(told, event.envelope.time);
  return { ...before, ...change(event, before) };
}

function unknownJob(told: { job_id: string; job_type: string; note_id?: string }, time: string): JobView {
  return {
    id: told.job_id,
    type: told.job_type,
    noteId: told.note_id,
    status: "queued",
    priority: 0,
    progress: 0,
    message: undefined,
    attempt: 0,
    error: undefined,
    retryAt: undefined,
    createdAt: time,
    finishedAt: undefined,
    elapsedMs: 0,
    elapsedAtMs: performance.now(),
    durationMs: undefined,
  };
}

const notBegun = { progress: 0, message: undefined, elapsedMs: 0, finishedAt: undefined, durationMs: undefined };

function change(event: ReceivedEvent, before: JobView): Partial<JobView> {
  const { time } = event.envelope;
  const elapsedAtMs = performance.now();
  // A job that is retried by hand is queued a second time, and stands at the end of the queue.
  if (event.name === "JobQueued")
    return { ...notBegun, status: "queued", attempt: 0, error: undefined, retryAt: undefined, elapsedAtMs };
  const started = event.dataOf("JobStarted");
  if (started) return { ...notBegun, status: "running", attempt: started.attempt, retryAt: undefined, elapsedAtMs };
  const moved = event.dataOf("JobProgress");
  if (moved) {
    const { progress, message, elapsed_ms } = moved;
    return { status: "running", progress, message: message ?? before.message, elapsedMs: elapsed_ms, elapsedAtMs };
  }
  const retrying = event.dataOf("JobRetrying");
  if (retrying) {
    const { attempt, retry_at, error_code } = retrying;
    return { ...notBegun, status: "queued", attempt, retryAt: retry_at, error: error_code, elapsedAtMs };
  }
  const completed = event.dataOf("JobCompleted");
  if (completed) return { status: "completed", progress: 100, finishedAt: time, durationMs: completed.duration_ms };
  const failed = event.dataOf("JobFailed");
  if (failed) return { status: "failed", finishedAt: time, durationMs: failed.duration_ms, error: failed.error };
  return { status: "cancelled", finishedAt: time };
}
