import { type Static, Type } from "@sinclair/typebox";
import type { LogLevel } from "../logger.ts";
import { Count, Cursor, define, type EventDefinition, object } from "./definition.ts";

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
const Version = Type.Integer({ minimum: 1, description: "Version of the note" });
const Source = Type.Union([Type.Literal("user"), Type.Literal("agent"), Type.Literal("ai_revision"), Type.Literal("restore")], {
  description: "Who made this text",
});

const RevisionNumber = Type.Integer({ minimum: 1, description: "Of the revision; the note's own version stays as it is" });

const note = { note_id: NoteId, version: Version };
const job = {
  job_id: JobId,
  job_type: Type.String({ description: "Type of the job, `ai_revision` for one" }),
  note_id: Type.Optional(NoteId),
};
const webhook = { webhook_id: WebhookId, reason: Type.Optional(Type.String()) };

const noteTopics = ["notes", "note:"] as const;
const jobTopics = ["jobs", "job:", "note:"] as const;

const noteEvent = (summary: string, message: string) =>
  define({
    summary,
    data: object(note),
    topics: noteTopics,
    subject: "note",
    telemetry: { level: "info", message, fields: ["note_id", "version"] },
  });

const webhookEvent = (summary: string, level: LogLevel, message: string) =>
  define({
    summary,
    data: object(webhook),
    topics: ["webhooks"],
    subject: "webhook",
    telemetry: { level, message, fields: ["webhook_id", "reason"] },
  });

const queueEvent = (summary: string, message: string) =>
  define({ summary, data: object({}), topics: ["queue"], subject: null, telemetry: { level: "info", message, fields: [] } });

/** Every event of the log that matric itself emits, each defined here and nowhere else. */
export const catalog = {
  NoteCreated: noteEvent("A note was created", "Note created"),
  NoteDeleted: noteEvent("A note was deleted; it can be restored", "Note deleted"),
  NoteRestored: noteEvent("A deleted note was restored", "Note restored"),
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
    telemetry: { level: "info", message: "Note updated", fields: ["note_id", "version", "changed", "source", "job_id"] },
  }),
  NoteRevisionCreated: define({
    summary: "A text was kept aside as a revision, because the note had changed meanwhile",
    data: object({ ...note, version: RevisionNumber, source: Source, job_id: Type.Optional(JobId) }),
    topics: noteTopics,
    subject: "note",
    telemetry: { level: "info", message: "Note revision created", fields: ["note_id", "version", "source", "job_id"] },
  }),
  JobQueued: define({
    summary: "A job waits for a worker",
    data: object(job),
    topics: jobTopics,
    subject: "job",
    telemetry: { level: "info", message: "Job queued", fields: ["job_id", "job_type", "note_id"] },
  }),
  JobStarted: define({
    summary: "A worker took the job",
    data: object({ ...job, attempt: Type.Integer({ minimum: 1, description: "Which attempt this is" }) }),
    topics: jobTopics,
    subject: "job",
    telemetry: { level: "info", message: "Job started", fields: ["job_id", "job_type", "note_id", "attempt"] },
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
    telemetry: { level: "debug", message: "Job progress", fields: ["job_id", "job_type", "note_id", "progress", "elapsed_ms"] },
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
    telemetry: {
      level: "warn",
      message: "Job retrying",
      fields: ["job_id", "job_type", "note_id", "attempt", "retry_at", "error_code"],
    },
  }),
  JobCompleted: define({
    summary: "A job is done",
    data: object({ ...job, duration_ms: Count("Milliseconds from its first start to its end") }),
    topics: jobTopics,
    subject: "job",
    telemetry: { level: "info", message: "Job completed", fields: ["job_id", "job_type", "note_id", "duration_ms"] },
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
    telemetry: {
      level: "error",
      message: "Job failed",
      fields: ["job_id", "job_type", "note_id", "error_code", "attempts", "duration_ms"],
    },
  }),
  JobCancelled: define({
    summary: "A job was cancelled",
    data: object(job),
    topics: jobTopics,
    subject: "job",
    telemetry: { level: "info", message: "Job cancelled", fields: ["job_id", "job_type", "note_id"] },
  }),
  QueuePaused: queueEvent("Workers take no more jobs", "Queue paused"),
  QueueResumed: queueEvent("Workers take jobs again", "Queue resumed"),
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
    telemetry: {
      level: "error",
      message: "Webhook failed",
      fields: ["webhook_id", "delivery_id", "failed_event_id", "attempts", "last_status", "error_code"],
    },
  }),
  WebhookRecovered: webhookEvent("A failed webhook works again", "info", "Webhook recovered"),
  WebhookDisabled: webhookEvent("A webhook was disabled", "warn", "Webhook disabled"),
  WebhookEnabled: webhookEvent("A webhook was enabled", "info", "Webhook enabled"),
} satisfies Record<string, EventDefinition>;

export type EventName = keyof typeof catalog;
export type EventData<Name extends EventName> = Static<(typeof catalog)[Name]["data"]>;

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
