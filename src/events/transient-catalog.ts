import { type Static, Type } from "@sinclair/typebox";
import { Count, Cursor, define, type EventDefinition, object } from "./definition.ts";

/** How a stream reaches its client. */
export const Transport = Type.Union([Type.Literal("sse"), Type.Literal("ws"), Type.Literal("ndjson")]);
export type Transport = Static<typeof Transport>;

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
    telemetry: { level: "info", message: "Queue status", fields: ["queue_depth", "pending", "running", "paused"] },
  }),
  ConnectionOpened: define({
    summary: "The first word on every stream",
    data: object({
      connection_id: Type.String(),
      transport: Transport,
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
    telemetry: {
      level: "info",
      message: "Connection opened",
      fields: ["connection_id", "transport", "cursor", "oldest", "head", "resumed", "heartbeat_seconds"],
    },
  }),
  ConnectionClosed: define({
    summary: "A stream ended",
    data: object({
      connection_id: Type.String(),
      transport: Transport,
      reason: Type.Union(
        (["client", "heartbeat", "slow", "draining", "revoked", "expired", "error"] as const).map((why) => Type.Literal(why)),
        { description: "`client` when the other side went away" },
      ),
      duration_ms: Count("How long it was open"),
    }),
    topics: [],
    subject: null,
    telemetry: { level: "info", message: "Connection closed", fields: ["connection_id", "transport", "reason", "duration_ms"] },
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
    telemetry: { level: "warn", message: "Stream gap", fields: ["to", "reason"] },
  }),
  StreamClosing: define({
    summary: "The server is about to end this stream; come back after `retry_ms`",
    data: object({
      reason: Type.Union([Type.Literal("slow"), Type.Literal("draining"), Type.Literal("revoked"), Type.Literal("expired")], {
        description: "`draining` when the server takes no stream at the moment: it shuts down, or holds as many as it may",
      }),
      retry_ms: Count("Milliseconds to wait before connecting again"),
    }),
    topics: [],
    subject: null,
    telemetry: { level: "info", message: "Stream closing", fields: ["reason", "retry_ms"] },
  }),
  StreamCursor: define({
    summary: "How far a filtered stream has come",
    data: object({ cursor: Cursor }),
    topics: [],
    subject: null,
    telemetry: { level: "debug", message: "Stream cursor", fields: ["cursor"] },
  }),
} satisfies Record<string, EventDefinition>;

export type TransientName = keyof typeof transientCatalog;
export type TransientData<Name extends TransientName> = Static<(typeof transientCatalog)[Name]["data"]>;
