import type { Tx } from "../db/writer.ts";
import type { OwnErrorCode } from "./contract.ts";
import type { Failure } from "./lifecycle.ts";

/** What a handler is given of its job. */
export interface JobToRun {
  readonly id: string;
  readonly noteId: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Shows that the job was ended through `complete`: a handler cannot forget it. */
export interface Completed {
  readonly result: unknown;
}

export interface JobContext {
  /** Which attempt this is. */
  readonly attempt: number;
  /** `traceparent` of what queued the job, where requests are traced. */
  readonly trace: string | null;
  /** Aborted when the job is cancelled or the server stops: leave off, nothing of the attempt counts any more. */
  readonly signal: AbortSignal;
  /** Tells how far the job is, 0 to 100; cheap enough to call for every chunk of work. Throws a `RangeError` for NaN. */
  progress(percent: number, message?: string): void;
  /**
   * Ends the job with what `change` returns as its result; what `change` writes and the end are one transaction. When it
   * returns undefined the job goes on, and what it wrote is stored.
   * Rejects with what `change` threw, with a `JobError` when the job is no longer this worker's, or with an error of the storage.
   */
  complete(change: (tx: Tx) => Record<string, unknown> | undefined): Promise<Completed | undefined>;
}

/** Runs one attempt. Throws a `JobError` to say why it failed; anything else is an `internal` error that is tried again. */
export type JobHandler = (job: JobToRun, context: JobContext) => Promise<Completed>;

/** A type of job that the server itself serves. */
export interface InternalJobType {
  readonly type: string;
  /** Throws `invalid`, or `not_found` for the note, when no such job can be made. */
  accept(request: { noteId: string | undefined; payload: Record<string, unknown> }): void;
  run: JobHandler;
}

/** Why an attempt failed, in the words that the job's error shows. */
export class JobError extends Error {
  override readonly name = "JobError";

  constructor(
    readonly failure: Failure & { errorCode: OwnErrorCode },
    options?: ErrorOptions,
  ) {
    super(failure.error, options);
  }
}
