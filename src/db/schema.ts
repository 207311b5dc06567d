import { sql } from "drizzle-orm";
import { blob, check, foreignKey, index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

// Every table on one page. Times are milliseconds since 1970, ids are UUIDv7 (rising keys touch few pages), JSON is text.

/** One row: what keeps a sequence number from meaning two events. */
export const logState = sqliteTable(
  "log_state",
  {
    id: integer("id").primaryKey(),
    /** How far retention has removed the log. */
    prunedSeq: integer("pruned_seq").notNull().default(0),
    /** Since which start of the machine the log has been open; null when it was closed in order. */
    openBoot: text("open_boot"),
  },
  (t) => [check("log_state_single", sql`${t.id} = 1`)],
);

/** The lives of this log, in order: an epoch begins when the log is created, restored or may have lost its tail, after `start_seq`. */
export const epochs = sqliteTable("epochs", {
  startSeq: integer("start_seq").notNull(),
  epoch: text("epoch").primaryKey(),
  startedAt: integer("started_at").notNull(),
});

/** The log. `body` is the JSON text that every transport sends. */
export const events = sqliteTable("events", {
  seq: integer("seq").primaryKey(),
  name: text("name").notNull(),
  at: integer("at").notNull(),
  noteId: text("note_id"),
  jobId: text("job_id"),
  body: text("body").notNull(),
  /** `traceparent` of its span, where requests are traced. */
  traceContext: text("trace_context"),
});

export const notes = sqliteTable(
  "notes",
  {
    /** The search index refers to it; an implicit rowid would be renumbered by VACUUM. */
    rowId: integer("row_id").primaryKey(),
    id: text("id").notNull().unique(),
    title: text("title").notNull(),
    tags: text("tags", { mode: "json" }).$type<string[]>().notNull(),
    version: integer("version").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    deletedAt: integer("deleted_at"),
    /** The last column: a search looks at the ones before it without reading through a long text. */
    content: text("content").notNull(),
  },
  (t) => [
    check("notes_version_positive", sql`${t.version} >= 1`),
    index("notes_by_update").on(t.updatedAt, t.id).where(sql`deleted_at is null`),
  ],
);

export const noteTags = sqliteTable(
  "note_tags",
  {
    tag: text("tag").notNull(),
    noteId: text("note_id")
      .notNull()
      .references(() => notes.id, { onDelete: "cascade" }),
  },
  (t) => [primaryKey({ columns: [t.tag, t.noteId] }), index("note_tags_by_note").on(t.noteId)],
);

/** Every text a note ever had, and, with `applied` false, texts that were kept aside for the user to choose. */
export const noteRevisions = sqliteTable(
  "note_revisions",
  {
    noteId: text("note_id").notNull(),
    version: integer("version").notNull(),
    /** The version whose text this one was made from. */
    basedOn: integer("based_on"),
    title: text("title").notNull(),
    tags: text("tags", { mode: "json" }).$type<string[]>().notNull(),
    source: text("source", { enum: ["user", "agent", "ai_revision", "restore"] }).notNull(),
    actorKind: text("actor_kind", { enum: ["user", "agent", "worker", "system"] }).notNull(),
    actorId: text("actor_id"),
    jobId: text("job_id"),
    applied: integer("applied", { mode: "boolean" }).notNull(),
    createdAt: integer("created_at").notNull(),
    content: text("content").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.noteId, t.version] }),
    // In the order in which they were stored: it ends in the rowid.
    index("note_revisions_by_note").on(t.noteId),
    foreignKey({ columns: [t.noteId], foreignColumns: [notes.id] }).onDelete("cascade"),
  ],
);

export const jobs = sqliteTable(
  "jobs",
  {
    id: text("id").primaryKey(),
    type: text("type").notNull(),
    noteId: text("note_id"),
    payload: text("payload").notNull(),
    status: text("status", { enum: ["queued", "running", "completed", "failed", "cancelled"] }).notNull(),
    priority: integer("priority").notNull(),
    progress: real("progress").notNull().default(0),
    message: text("message"),
    attempt: integer("attempt").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull(),
    errorCode: text("error_code"),
    error: text("error"),
    result: text("result"),
    /** Jobs that ask for the same work have the same one. */
    fingerprint: text("fingerprint").notNull(),
    /** A queued job may not start before this; null when it may start now. */
    runAt: integer("run_at"),
    /** Who holds the lease, or held the last one; null for the server's own worker. */
    workerId: text("worker_id"),
    /** Given anew with every attempt; kept at the end, so that a repeated "complete" is recognised. */
    leaseToken: text("lease_token"),
    leaseExpiresAt: integer("lease_expires_at"),
    createdAt: integer("created_at").notNull(),
    startedAt: integer("started_at"),
    attemptStartedAt: integer("attempt_started_at"),
    finishedAt: integer("finished_at"),
    /** `traceparent` of the event that queued it: its attempts go on with that trace, also after a restart. */
    traceContext: text("trace_context"),
  },
  (t) => [
    check("jobs_lease_while_running", sql`(${t.status} = 'running') = (${t.leaseExpiresAt} is not null)`),
    check("jobs_finished_has_time", sql`(${t.status} in ('completed','failed','cancelled')) = (${t.finishedAt} is not null)`),
    check("jobs_delay_while_queued", sql`${t.runAt} is null or ${t.status} = 'queued'`),
    check("jobs_attempt_within_limit", sql`${t.attempt} between 0 and ${t.maxAttempts}`),
    check("jobs_progress_percent", sql`${t.progress} between 0 and 100`),
    // Claiming looks up one entry of a type: jobs that wait for their next attempt stand in an index of their own.
    index("jobs_ready").on(t.type, t.priority, t.id).where(sql`status = 'queued' and run_at is null`),
    index("jobs_delayed").on(t.runAt).where(sql`status = 'queued' and run_at is not null`),
    index("jobs_waiting_equal").on(t.fingerprint).where(sql`status = 'queued'`),
    index("jobs_by_note").on(t.noteId, t.id),
    index("jobs_by_type").on(t.type, t.id),
    index("jobs_by_status").on(t.status, t.id),
  ],
);

/** One row: what the whole queue is told. */
export const queueState = sqliteTable(
  "queue_state",
  {
    id: integer("id").primaryKey(),
    paused: integer("paused", { mode: "boolean" }).notNull().default(false),
  },
  (t) => [check("queue_state_single", sql`${t.id} = 1`)],
);

/** A cursor into the log with an address. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    id: text("id").primaryKey(),
    url: text("url").notNull(),
    description: text("description").notNull(),
    /** Empty for all events. */
    events: text("events", { mode: "json" }).$type<string[]>().notNull(),
    topics: text("topics", { mode: "json" }).$type<string[]>().notNull(),
    headers: text("headers", { mode: "json" }).$type<Record<string, string>>().notNull(),
    format: text("format", { enum: ["matric", "cloudevents"] }).notNull(),
    ordered: integer("ordered", { mode: "boolean" }).notNull(),
    maxConcurrency: integer("max_concurrency").notNull(),
    rateLimitPerSecond: integer("rate_limit_per_second"),
    status: text("status", { enum: ["active", "failed", "disabled"] }).notNull(),
    /** Why it is not active. */
    reason: text("reason", { enum: ["exhausted", "gone", "requested"] }),
    statusAt: integer("status_at").notNull(),
    /** Up to here deliveries have been made of the log, or nothing in it was wanted. */
    cursorSeq: integer("cursor_seq").notNull(),
    /** The delivery that made it fail: it is what a failed webhook is tried with. */
    failedDeliveryId: text("failed_delivery_id"),
    /** Tries since it failed, and when the next one is due. */
    probes: integer("probes").notNull().default(0),
    probeAt: integer("probe_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** The token that made it, and the families of events that this token may not read. */
    tokenId: text("token_id"),
    hidden: text("hidden", { mode: "json" }).$type<string[]>().notNull().default([]),
  },
  (t) => [
    check("webhooks_reason_unless_active", sql`(${t.status} = 'active') = (${t.reason} is null)`),
    check("webhooks_probe_while_failed", sql`(${t.status} = 'failed') = (${t.probeAt} is not null)`),
  ],
);

/** The newest one of a webhook has no end; those before it sign along until theirs. */
export const webhookSecrets = sqliteTable(
  "webhook_secrets",
  {
    webhookId: text("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    position: integer("position").notNull(),
    secret: text("secret").notNull(),
    expiresAt: integer("expires_at"),
  },
  (t) => [primaryKey({ columns: [t.webhookId, t.position] })],
);

/** A span of the log that a webhook is sent once more: a second cursor, gone when it has arrived. */
export const webhookReplays = sqliteTable(
  "webhook_replays",
  {
    id: integer("id").primaryKey(),
    webhookId: text("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    cursorSeq: integer("cursor_seq").notNull(),
    untilSeq: integer("until_seq").notNull(),
  },
  (t) => [index("webhook_replays_by_webhook").on(t.webhookId, t.id)],
);

/** One event owed to one webhook. They outlive their webhook for a while: retention removes them in small steps. */
export const deliveries = sqliteTable(
  "deliveries",
  {
    /** Rises in the order in which they are to be sent. */
    rowId: integer("row_id").primaryKey(),
    id: text("id").notNull().unique(),
    webhookId: text("webhook_id").notNull(),
    seq: integer("seq").notNull(),
    eventId: text("event_id").notNull(),
    event: text("event").notNull(),
    status: text("status", { enum: ["pending", "delivered", "exhausted"] }).notNull(),
    attempts: integer("attempts").notNull().default(0),
    /** Attempts since its schedule began, or began anew. */
    roundAttempts: integer("round_attempts").notNull().default(0),
    /** Its end does not make the webhook fail. */
    isLenient: integer("is_lenient", { mode: "boolean" }).notNull(),
    /** Null when it is finished, and while it is held because the webhook is not active. */
    nextAttemptAt: integer("next_attempt_at"),
    lastStatus: integer("last_status"),
    lastErrorCode: text("last_error_code"),
    createdAt: integer("created_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  (t) => [
    check("deliveries_finished_has_time", sql`(${t.status} = 'pending') = (${t.finishedAt} is null)`),
    check("deliveries_next_while_pending", sql`${t.nextAttemptAt} is null or ${t.status} = 'pending'`),
    index("deliveries_by_webhook").on(t.webhookId, t.rowId),
    index("deliveries_pending").on(t.webhookId, t.rowId).where(sql`status = 'pending'`),
    index("deliveries_exhausted").on(t.webhookId, t.rowId).where(sql`status = 'exhausted'`),
  ],
);

/** One HTTP request made for a delivery, as it was, with secrets masked. */
export const deliveryAttempts = sqliteTable(
  "delivery_attempts",
  {
    delivery: integer("delivery")
      .notNull()
      .references(() => deliveries.rowId, { onDelete: "cascade" }),
    number: integer("number").notNull(),
    at: integer("at").notNull(),
    status: integer("status"),
    errorCode: text("error_code"),
    error: text("error"),
    /** Milliseconds: in all, and its parts. */
    durations: text("durations", { mode: "json" }).$type<Record<string, number | null>>().notNull(),
    requestHeaders: text("request_headers", { mode: "json" }).$type<Record<string, string>>().notNull(),
    responseHeaders: text("response_headers", { mode: "json" }).$type<Record<string, string>>(),
    /** Its first 16 KiB. */
    responseBody: text("response_body"),
  },
  (t) => [primaryKey({ columns: [t.delivery, t.number] })],
);

/** One row: the key with which tokens are hashed. It is not in a file of its own, so that a backup is complete. */
export const tokenKey = sqliteTable(
  "token_key",
  {
    id: integer("id").primaryKey(),
    key: blob("key", { mode: "buffer" }).notNull(),
  },
  (t) => [check("token_key_single", sql`${t.id} = 1`)],
);

/** Access tokens. What a token itself says is known to its bearer alone. */
export const tokens = sqliteTable("tokens", {
  id: text("id").primaryKey(),
  hash: text("hash").notNull().unique(),
  name: text("name").notNull(),
  scopes: text("scopes", { mode: "json" }).$type<string[]>().notNull(),
  createdAt: integer("created_at").notNull(),
  expiresAt: integer("expires_at"),
  /** Late by up to a minute. */
  lastUsedAt: integer("last_used_at"),
  revokedAt: integer("revoked_at"),
});
