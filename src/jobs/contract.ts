import { type Static, type TSchema, Type } from "@sinclair/typebox";

/** The job type that the server itself serves. */
export const aiRevision = "ai_revision";

/** Why an attempt that the server itself made, or had to end, did not succeed. External workers have codes of their own. */
export const ownErrorCodes = [
  "lease_expired",
  "worker_stopped",
  "internal",
  "note_not_found",
  "ai_unreachable",
  "ai_timeout",
  "ai_rate_limited",
  "ai_refused",
  "ai_bad_answer",
  "revision_too_complex",
] as const;
export type OwnErrorCode = (typeof ownErrorCodes)[number];

/** How large the JSON of a payload or a result may be: both travel with every answer about the job. */
export const jsonBytesMax = 64 * 1024;
/** How many job types one worker may ask for in one claim. */
const claimTypesMax = 100;

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const strict = { additionalProperties: false };

const Id = Type.String({ pattern: "^[\\w-]{1,64}$" });
const Time = Type.String({ format: "date-time", description: "RFC 3339 in UTC with milliseconds" });
const JobTypeName = Type.String({
  pattern: "^[a-z][a-z0-9_.-]{0,63}$",
  description: "`ai_revision`, or a type that external workers serve",
});
const Priority = Type.Integer({ minimum: -1000, maximum: 1000, description: "Higher runs first; of equals the oldest does" });
const Message = Type.String({ maxLength: 500, description: "What the job is doing now, for people" });
const Percent = Type.Number({ minimum: 0, maximum: 100, description: "Per cent done" });
const ErrorCodeText = Type.String({
  pattern: "^[A-Za-z0-9][\\w.:-]{0,63}$",
  description: "A short name for programs, `out_of_memory` for one",
});
const WorkerId = Type.String({ pattern: "^[^\\u0000-\\u001f]{1,200}$", description: "The worker's own name for itself" });
const LeaseToken = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "From the answer to the claim; proves that the lease is still held",
});

export const JobStatus = Type.Union(
  [Type.Literal("queued"), Type.Literal("running"), Type.Literal("completed"), Type.Literal("failed"), Type.Literal("cancelled")],
  { description: "`queued` is a job also between two attempts" },
);
export type JobStatus = Static<typeof JobStatus>;

/** A job on the wire. */
export const Job = Type.Object(
  {
    id: Id,
    type: Type.String(),
    note_id: nullable(Type.String({ description: "The note the job is about" })),
    status: JobStatus,
    priority: Priority,
    progress: Percent,
    message: nullable(Message),
    attempt: Type.Integer({ minimum: 0, description: "The present or last attempt; 0 before the first" }),
    max_attempts: Type.Integer({ minimum: 1 }),
    error_code: nullable(
      Type.String({
        description: `Why the last attempt failed: \`${ownErrorCodes.join("`, `")}\`, or what an external worker said`,
      }),
    ),
    error: nullable(Type.String()),
    result: Type.Unknown({ description: "What the worker gave back; null until then" }),
    created_at: Time,
    started_at: nullable(Time),
    finished_at: nullable(Time),
  },
  { ...strict, description: "A job" },
);
export type Job = Static<typeof Job>;

export const CreateJob = Type.Object(
  {
    type: JobTypeName,
    note_id: Type.Optional(Id),
    payload: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "What the worker needs to know; at most 64 KiB of JSON" }),
    ),
    priority: Type.Optional(Priority),
    deduplicate: Type.Optional(Type.Boolean({ description: "Answer with an equal job that still waits, if there is one" })),
  },
  strict,
);
export type CreateJob = Static<typeof CreateJob>;

/** The payload of an `ai_revision` job, and the body of `POST /notes/{id}/revise`. */
export const ReviseNote = Type.Object(
  { instructions: Type.Optional(Type.String({ maxLength: 4000, description: "What to do to the text, in words" })) },
  strict,
);
export type ReviseNote = Static<typeof ReviseNote>;

export const ListJobs = Type.Object(
  {
    status: Type.Optional(JobStatus),
    type: Type.Optional(Type.String({ maxLength: 64 })),
    note_id: Type.Optional(Id),
    // Whoever serves a list bounds its pages.
    limit: Type.Optional(Type.Integer({ minimum: 1, default: 50 })),
    cursor: Type.Optional(Type.String({ maxLength: 64, description: "`next_cursor` of the page before" })),
  },
  strict,
);
export type ListJobs = Static<typeof ListJobs>;

/** Newest first. */
export const JobPage = Type.Object({ items: Type.Array(Job), next_cursor: nullable(Type.String()) }, strict);
export type JobPage = Static<typeof JobPage>;

export const ClaimJob = Type.Object(
  {
    types: Type.Array(JobTypeName, { minItems: 1, maxItems: claimTypesMax }),
    worker_id: WorkerId,
    wait_seconds: Type.Optional(
      Type.Number({ minimum: 0, maximum: 60, description: "How long to wait for a job when there is none" }),
    ),
  },
  strict,
);
export type ClaimJob = Static<typeof ClaimJob>;

export const Lease = Type.Object(
  {
    token: LeaseToken,
    lease_seconds: Type.Number({ description: "Report progress within this time, or the job goes to another worker" }),
    lease_expires_at: Time,
  },
  strict,
);
export type Lease = Static<typeof Lease>;

/** A job together with what its worker needs. */
export const ClaimedJob = Type.Object(
  { ...Job.properties, payload: Type.Record(Type.String(), Type.Unknown()), lease: Lease },
  { ...strict, description: "A job and the lease on it" },
);
export type ClaimedJob = Static<typeof ClaimedJob>;

/** How a worker shows that it is the one that claimed the job. Without either it is believed. */
const holder = { worker_id: Type.Optional(WorkerId), lease_token: Type.Optional(LeaseToken) };
const Holder = Type.Object(holder, strict);
export type Holder = Static<typeof Holder>;

export const ReportProgress = Type.Object({ progress: Percent, message: Type.Optional(Message), ...holder }, strict);
export type ReportProgress = Static<typeof ReportProgress>;

export const ProgressAnswer = Type.Object(
  {
    cancelled: Type.Boolean({ description: "The job was cancelled: stop working on it" }),
    lease_expires_at: nullable(Time),
  },
  strict,
);
export type ProgressAnswer = Static<typeof ProgressAnswer>;

export const CompleteJob = Type.Object(
  { result: Type.Optional(Type.Unknown({ description: "Any JSON of at most 64 KiB" })), ...holder },
  strict,
);
export type CompleteJob = Static<typeof CompleteJob>;

export const FailJob = Type.Object(
  {
    error_code: ErrorCodeText,
    error: Type.String({ minLength: 1, maxLength: 2000, description: "What went wrong, for people" }),
    retry: Type.Optional(Type.Boolean({ description: "Whether another attempt could succeed: it could, if not given" })),
    ...holder,
  },
  strict,
);
export type FailJob = Static<typeof FailJob>;

export const QueueStatus = Type.Object(
  {
    queue_depth: Type.Integer({ minimum: 0, description: "Jobs pending and running" }),
    pending: Type.Integer({ minimum: 0, description: "Jobs that wait, also for their next attempt" }),
    running: Type.Integer({ minimum: 0, description: "Jobs that a worker holds" }),
    paused: Type.Boolean({ description: "Whether workers take no more jobs" }),
  },
  { ...strict, description: "The queue as it is now" },
);
export type QueueStatus = Static<typeof QueueStatus>;
