import { timestamp } from "../clock.ts";
import type { Actor } from "../events/catalog.ts";
import { draft, type EventDraft } from "../events/log.ts";

/** Workers act for nobody in particular. */
export const workerActor: Actor = { kind: "worker", id: null };

/** The part of a job that every event about it tells. */
export interface JobSubject {
  id: string;
  type: string;
  note_id: string | null;
  /** `traceparent` of what queued it. */
  trace_context?: string | null;
}

/** What happens to a job, in the words of those who work on it. */
export type WorkerEvent =
  | { kind: "queued"; job: JobSubject; actor: Actor }
  | { kind: "started"; job: JobSubject; attempt: number }
  | { kind: "progress"; job: JobSubject; progress: number; message: string | null; elapsedMs: number }
  | { kind: "retrying"; job: JobSubject; attempt: number; retryAt: number; errorCode: string }
  | { kind: "completed"; job: JobSubject; durationMs: number }
  | { kind: "failed"; job: JobSubject; errorCode: string; error: string; attempts: number; durationMs: number }
  | { kind: "cancelled"; job: JobSubject; actor: Actor };

/** The one place where the words of workers become events of the log. */
export function toDraft(event: WorkerEvent): EventDraft {
  const job = describe(event.job);
  switch (event.kind) {
    case "queued":
      return draft("JobQueued", job, event.actor);
    case "started":
      return draft("JobStarted", { ...job, attempt: event.attempt }, workerActor);
    case "progress": {
      const message = event.message === null ? {} : { message: event.message };
      return draft("JobProgress", { ...job, progress: event.progress, ...message, elapsed_ms: event.elapsedMs }, workerActor);
    }
    case "retrying": {
      const { attempt, retryAt, errorCode } = event;
      return draft("JobRetrying", { ...job, attempt, retry_at: timestamp(retryAt), error_code: errorCode }, workerActor);
    }
    case "completed":
      return draft("JobCompleted", { ...job, duration_ms: event.durationMs }, workerActor);
    case "failed": {
      const { errorCode, error, attempts, durationMs } = event;
      return draft("JobFailed", { ...job, error_code: errorCode, error, attempts, duration_ms: durationMs }, workerActor);
    }
    case "cancelled":
      return draft("JobCancelled", job, event.actor);
  }
}

function describe({ id, type, note_id }: JobSubject): { job_id: string; job_type: string; note_id?: string } {
  return { job_id: id, job_type: type, ...(note_id === null ? {} : { note_id }) };
}
