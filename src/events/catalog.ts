import { type Static, type TObject, type TSchema, Type } from "@sinclair/typebox";

/** Where an event comes from. With auth on, `id` is the id of the token that acted. */
export const Actor = Type.Object(
  {
    kind: Type.Union([Type.Literal("user"), Type.Literal("agent"), Type.Literal("worker"), Type.Literal("system")]),
    id: Type.Union([Type.String(), Type.Null()]),
  },
  { description: "Who caused the event" },
);
export type Actor = Static<typeof Actor>;

export const systemActor: Actor = { kind: "system", id: null };

const NoteId = Type.String({ description: "Id of the note" });
const JobId = Type.String({ description: "Id of the job" });
const WebhookId = Type.String({ description: "Id of the webhook" });
const Cursor = Type.String({ description: "A position in the log, `<seq>-<epoch>`" });
const Version = Type.Integer({ minimum: 1, description: "Version of the note, or number of the revision" });
const Count = (description: string) => Type.Integer({ minimum: 0, description });
const Source = Type.Union([Type.Literal("user"), Type.Literal("agent"), Type.Literal("ai_revision"), Type.Literal("restore")], {
  description: "Who made this text",
});

const note = { note_id: NoteId, version: Version };
const job = {
  job_id: JobId,
  job_type: Type.String({ description: "Type of the job, `ai_revision` for one" }),
  note_id: Type.Optional(NoteId),
};
const webhook = { webhook_id: WebhookId, reason: Type.Optional(Type.String()) };

/** The families of topics; those that end in a colon are completed by the id that the event carries. */
export type TopicPattern = "notes" | "note:" | "jobs" | "job:" | "queue" | "webhooks";

export interface EventDefinition<Data extends TObject = TObject> {
  summary: string;
  data: Data;
  topics: readonly TopicPattern[];
  /** The field of `data` whose id is the subject, as `note:<note_id>`. */
  subject: "note" | "job" | "webhook" | null;
}

const define = <Data extends TObject>(definition: EventDefinition<Data>) => definition;
const object = <Fields extends Record<string, TSchema>>(fields: Fields) => Type.Object(fields, { additionalProperties: false });

const noteTopics = ["notes", "note:"] as const;
const jobTopics = ["jobs", "job:", "note:"] as const;

/** Every event of the log that matric itself emits, each defined here and nowhere else. */
export const catalog = {
  NoteCreated: define({ summary: "A note was created", data: object(note), topics: noteTopics, subject: "note" }),
  NoteDeleted: define({
    summary: "A note was deleted; it can be restored",
    data: object(note),
    topics: noteTopics,
    subject: "note",
  }),
  NoteRestored: define({ summary: "A deleted note was restored", data: object(note), topics: noteTopics, subject: "note" }),
  NoteUpdated: define({
    summary: "A note got a new version",
    data: object({
      ...note,
      changed: Type.Array(Type.Union([Type.Literal("title"), Type.Literal("content"), Type.Literal("tags")]), {
        description: "What differs from the version before",
      }),
      source: Source,
      job_id: Type.Optional(JobId),
    }),
    topics: noteTopics,
    subject: "note",
  }),
  NoteRevisionCreated: define({
    summary: "A text was kept aside as a revision, because the note had changed meanwhile",
    data: object({ ...note, source: Source, job_id: Type.Optional(JobId) }),
    topics: noteTopics,
    subject: "note",
  }),
  JobQueued: define({ summary: "A job waits for a worker", data: object(job), topics: jobTopics, subject: "job" }),
  JobStarted: define({
    summary: "A worker took the job",
    data: object({ ...job, attempt: Type.Integer({ minimum: 1, description: "Which attempt this is" }) }),
    topics: jobTopics,
    subject: "job",
  }),
  JobProgress: define({
    summary: "A running job moved on, or is still alive",
    data: object({
      ...job,
      progress: Type.Number({ minimum: 0, maximum: 100, description: "Per cent done" }),
      message: Type.Optional(Type.String()),
      elapsed_ms: Count("Milliseconds since this attempt started"),
    }),
    topics: jobTopics,
    subject: "job",
  }),
  JobRetrying: define({
    summary: "An attempt failed; the job will run again",
    data: object({
      ...job,
      attempt: Type.Integer({ minimum: 1, description: "The attempt that failed" }),
      retry_at: Type.String({ format: "date-time" }),
      error_code: Type.String(),
    }),
    topics: jobTopics,
    subject: "job",
  }),
  JobCompleted: define({
    summary: "A job is done",
    data: object({ ...job, duration_ms: Count("Milliseconds from its first start to its end") }),
    topics: jobTopics,
    subject: "job",
  }),
  JobFailed: define({
    summary: "A job failed for good",
    data: object({
      ...job,
      error_code: Type.String(),
      error: Type.String(),
      attempts: Count("Attempts made"),
      duration_ms: Count("Milliseconds from its first start to its end"),
    }),
    topics: jobTopics,
    subject: "job",
  }),
  JobCancelled: define({ summary: "A job was cancelled", data: object(job), topics: jobTopics, subject: "job" }),
  QueuePaused: define({ summary: "Workers take no more jobs", data: object({}), topics: ["queue"], subject: null }),
  QueueResumed: define({ summary: "Workers take jobs again", data: object({}), topics: ["queue"], subject: null }),
  WebhookFailed: define({
    summary: "A webhook's receiver did not take an event after all retries",
    data: object({
      webhook_id: WebhookId,
      delivery_id: Type.String(),
      failed_event_id: Cursor,
      attempts: Count("Attempts made"),
      last_status: Type.Optional(Type.Integer()),
      error_code: Type.String(),
    }),
    topics: ["webhooks"],
    subject: "webhook",
  }),
  WebhookRecovered: define({
    summary: "A failed webhook works again",
    data: object(webhook),
    topics: ["webhooks"],
    subject: "webhook",
  }),
  WebhookDisabled: define({ summary: "A webhook was disabled", data: object(webhook), topics: ["webhooks"], subject: "webhook" }),
  WebhookEnabled: define({ summary: "A webhook was enabled", data: object(webhook), topics: ["webhooks"], subject: "webhook" }),
} satisfies Record<string, EventDefinition>;

/** Snapshots and words about one connection: they have no id, are not in the log and are not replayed. */
export const transientCatalog = {
  QueueStatus: define({
    summary: "The queue as it is now",
    data: object({
      queue_depth: Count("Jobs pending and running"),
      pending: Count("Jobs that wait"),
      running: Count("Jobs that a worker holds"),
      paused: Type.Boolean(),
    }),
    topics: ["queue"],
    subject: null,
  }),
  ConnectionOpened: define({
    summary: "The first word on every stream",
    data: object({
      connection_id: Type.String(),
      transport: Type.Union([Type.Literal("sse"), Type.Literal("ws"), Type.Literal("ndjson")]),
      cursor: Cursor,
      oldest: Cursor,
      head: Cursor,
      resumed: Type.Boolean({ description: "Whether the stream continues from a cursor that was sent" }),
      heartbeat_seconds: Type.Number(),
      expires_at: Type.Optional(
        Type.String({ format: "date-time", description: "When the token expires, and the stream ends with `StreamClosing`" }),
      ),
    }),
    topics: [],
    subject: null,
  }),
  ConnectionClosed: define({
    summary: "A stream ended",
    data: object({
      connection_id: Type.String(),
      transport: Type.Union([Type.Literal("sse"), Type.Literal("ws"), Type.Literal("ndjson")]),
      reason: Type.String({ description: "`client`, `heartbeat`, `slow`, `draining`, `revoked`, `expired`, `error`" }),
      duration_ms: Count("How long it was open"),
    }),
    topics: [],
    subject: null,
  }),
  StreamGap: define({
    summary: "Events between two cursors cannot be had",
    data: object({
      from: Cursor,
      to: Cursor,
      reason: Type.Union([Type.Literal("expired"), Type.Literal("other_epoch"), Type.Literal("ahead_of_log")]),
    }),
    topics: [],
    subject: null,
  }),
  StreamClosing: define({
    summary: "The server is about to end this stream; come back after `retry_ms`",
    data: object({
      reason: Type.Union([
        Type.Literal("slow"),
        Type.Literal("draining"),
        Type.Literal("revoked"),
        Type.Literal("expired"),
        Type.Literal("overloaded"),
      ]),
      retry_ms: Count("Milliseconds to wait before connecting again"),
    }),
    topics: [],
    subject: null,
  }),
  StreamCursor: define({
    summary: "How far a filtered stream has come",
    data: object({ cursor: Cursor }),
    topics: [],
    subject: null,
  }),
} satisfies Record<string, EventDefinition>;

export type EventName = keyof typeof catalog;
export type EventData<Name extends EventName> = Static<(typeof catalog)[Name]["data"]>;
export type TransientName = keyof typeof transientCatalog;
export type TransientData<Name extends TransientName> = Static<(typeof transientCatalog)[Name]["data"]>;

/** All names that matric itself uses; a custom event can have none of them. */
export const builtInNames: readonly string[] = [...Object.keys(catalog), ...Object.keys(transientCatalog)];

/** The JSON that every transport sends. Events without `id` are not in the log. */
export const Envelope = Type.Object(
  {
    id: Type.Optional(Cursor),
    event: Type.String({ description: "Name of the event" }),
    time: Type.String({ format: "date-time" }),
    subject: Type.Union([Type.String(), Type.Null()], { description: "What the event is about, `note:<id>` for one" }),
    actor: Actor,
    data: Type.Record(Type.String(), Type.Unknown()),
  },
  { description: "One event" },
);
export type Envelope = Static<typeof Envelope>;

/** The subject of a built-in event, as its definition says. */
export function subjectOf(name: EventName, data: Record<string, unknown>): string | null {
  const kind = catalog[name].subject;
  return kind === null ? null : `${kind}:${data[`${kind}_id`]}`;
}
