import { type Static, type TSchema, Type } from "@sinclair/typebox";

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const strict = { additionalProperties: false };

const Id = Type.String({ description: "UUIDv7" });
const Time = (description: string) => Type.String({ format: "date-time", description });
const Secret = Type.String({
  minLength: 1,
  maxLength: 256,
  description: "Signs each request: its UTF-8 is the key, or with the prefix `whsec_` what the base64 after it stands for",
});

export const WebhookStatus = Type.Union([Type.Literal("active"), Type.Literal("failed"), Type.Literal("disabled")], {
  description: "`failed` after an event was not taken in spite of all retries: it is tried again from time to time",
});
export type WebhookStatus = Static<typeof WebhookStatus>;

const configuration = {
  url: Type.String({ minLength: 1, maxLength: 2048, description: "http or https, at a public address" }),
  events: Type.Array(Type.String(), {
    minItems: 1,
    maxItems: 256,
    description: "Names of events, `Job*` for a family, dotted `job.completed`, or `*` for all",
  }),
  topics: Type.Array(Type.String(), {
    maxItems: 256,
    description: "Only events of one of these topics: notes, jobs, queue, webhooks, custom, note:<id>, job:<id>",
  }),
  description: Type.String({ maxLength: 500, description: "For people" }),
  headers: Type.Record(Type.String(), Type.String(), {
    description:
      "Sent along with each request. Values that look secret are shown as `***`, which in a change stands for the value as it is",
  }),
  format: Type.Union([Type.Literal("matric"), Type.Literal("cloudevents")], {
    description: "`matric`: the event as it stands in the log; `cloudevents`: CloudEvents 1.0 in binary mode",
  }),
  ordered: Type.Boolean({ description: "One request at a time, in the order of the log; a retry holds up what follows" }),
  max_concurrency: Type.Integer({ minimum: 1, maximum: 100, description: "Requests under way at once" }),
  rate_limit_per_second: nullable(
    Type.Integer({ minimum: 1, maximum: 1000, description: "Requests begun per second; null for no limit" }),
  ),
};

export const CreateWebhook = Type.Object(
  {
    ...Type.Partial(Type.Object(configuration)).properties,
    url: configuration.url,
    events: configuration.events,
    secret: Type.Optional(Secret),
  },
  strict,
);
export type CreateWebhook = Static<typeof CreateWebhook>;

export const UpdateWebhook = Type.Partial(Type.Object(configuration), {
  ...strict,
  description: "What is left out stays as it is",
});
export type UpdateWebhook = Static<typeof UpdateWebhook>;

/** A webhook on the wire. */
export const Webhook = Type.Object(
  {
    id: Id,
    ...configuration,
    status: WebhookStatus,
    reason: nullable(
      Type.Union([Type.Literal("exhausted"), Type.Literal("gone"), Type.Literal("requested"), Type.Literal("revoked")], {
        description:
          "Why it is not active: retries were exhausted, the receiver said 410 Gone, somebody disabled it, or the token that made it was revoked",
      }),
    ),
    status_at: Time("Since when it has this status"),
    next_probe_at: nullable(Time("When a failed webhook is tried again")),
    failed_delivery_id: nullable(Type.String({ description: "The delivery that made it fail" })),
    pending: Type.Integer({ minimum: 0, description: "Deliveries that are under way, wait for a retry or are held" }),
    cursor: Type.String({ description: "Deliveries have been made of the log up to here; what comes after it is held" }),
    lag: Type.Integer({ minimum: 0, description: "Events of the log after the cursor, whether wanted or not" }),
    secrets: Type.Integer({ minimum: 1, description: "How many secrets sign: more than one during a rotation" }),
    created_at: Time("When it was registered"),
    updated_at: Time("When its configuration last changed"),
  },
  { ...strict, description: "A URL that is sent events" },
);
export type Webhook = Static<typeof Webhook>;

export const CreatedWebhook = Type.Object(
  { ...Webhook.properties, secret: Type.String({ description: "Shown now and never again" }) },
  { ...strict, description: "The new webhook and its secret" },
);
export type CreatedWebhook = Static<typeof CreatedWebhook>;

export const WebhookPage = Type.Object({ items: Type.Array(Webhook), next_cursor: nullable(Type.String()) }, strict);
export type WebhookPage = Static<typeof WebhookPage>;

export const RotateSecret = Type.Object(
  {
    secret: Type.Optional(Secret),
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 604_800,
        default: 86_400,
        description: "How long the secret that was used so far signs along",
      }),
    ),
  },
  strict,
);
export type RotateSecret = Static<typeof RotateSecret>;

export const RotatedSecret = Type.Object(
  {
    id: Id,
    secret: Type.String({ description: "The new secret; shown now and never again" }),
    previous_expires_at: Time("Until then requests are signed with the secret before it, too"),
  },
  strict,
);
export type RotatedSecret = Static<typeof RotatedSecret>;

export const DeliveryStatus = Type.Union([Type.Literal("pending"), Type.Literal("delivered"), Type.Literal("exhausted")], {
  description: "`exhausted`: given up after all retries; it can be retried by hand",
});
export type DeliveryStatus = Static<typeof DeliveryStatus>;

const delivery = {
  id: Type.String({ description: "Sent as `webhook-id`, the same with every attempt" }),
  webhook_id: Id,
  event_id: Type.String(),
  event: Type.String({ description: "Name of the event" }),
  status: DeliveryStatus,
  attempts: Type.Integer({ minimum: 0 }),
  next_attempt_at: nullable(Time("Null when finished, and while it is held because the webhook is not active")),
  last_status: nullable(Type.Integer({ description: "HTTP status of the last attempt that got an answer" })),
  last_error_code: nullable(
    Type.String({
      description:
        "Why the last attempt failed; null when it did not. Without an attempt: event_expired, the event is not in the log any more, or not_allowed, whoever changed the webhook may not read it",
    }),
  ),
  created_at: Time("When it came to be owed"),
  finished_at: nullable(Time("When it was delivered or given up")),
};

/** A delivery on the wire. */
export const Delivery = Type.Object(delivery, { ...strict, description: "One event owed to one webhook" });
export type Delivery = Static<typeof Delivery>;

const Milliseconds = nullable(Type.Number({ minimum: 0 }));

export const Attempt = Type.Object(
  {
    number: Type.Integer({ minimum: 1 }),
    at: Time("When it began"),
    status: nullable(Type.Integer({ description: "HTTP status of the answer, if there was one" })),
    error_code: nullable(
      Type.String({
        description:
          "Why it failed: http_error, redirect, gone, timed_out, dns_failed, forbidden_address, connection_refused, connection_failed, connection_reset, tls_failed, bad_answer",
      }),
    ),
    error: nullable(Type.String()),
    duration_ms: Type.Object(
      {
        total: Type.Number({ minimum: 0 }),
        dns: Milliseconds,
        connect: Milliseconds,
        tls: Milliseconds,
        first_byte: Milliseconds,
      },
      { ...strict, description: "In all, and for its parts; null for a part that was not needed or not reached" },
    ),
    request_headers: Type.Record(Type.String(), Type.String()),
    response_headers: nullable(Type.Record(Type.String(), Type.String())),
    response_body: nullable(Type.String({ description: "The first 16 KiB" })),
  },
  { ...strict, description: "One HTTP request" },
);
export type Attempt = Static<typeof Attempt>;

export const DeliveryDetail = Type.Object(
  { ...delivery, attempt_log: Type.Array(Attempt) },
  { ...strict, description: "A delivery with all its attempts" },
);
export type DeliveryDetail = Static<typeof DeliveryDetail>;

export const DeliveryPage = Type.Object({ items: Type.Array(Delivery), next_cursor: nullable(Type.String()) }, strict);
export type DeliveryPage = Static<typeof DeliveryPage>;

/** What a list of deliveries takes besides `limit` and `cursor`. */
export const DeliveryFilter = Type.Object({ status: Type.Optional(DeliveryStatus) });
export type DeliveryFilter = Static<typeof DeliveryFilter>;

export const TestedWebhook = Type.Object(
  { delivered: Type.Boolean({ description: "Whether the receiver answered 2xx" }), webhook_id: Id, attempt: Attempt },
  { ...strict, description: "What became of the test event" },
);
export type TestedWebhook = Static<typeof TestedWebhook>;

export const ReplayEvents = Type.Object(
  {
    since: Type.String({
      maxLength: 64,
      description: "An event id, a time (RFC 3339), how long ago (`10m`) or `earliest`: events after it",
    }),
    until: Type.Optional(Type.String({ maxLength: 64, description: "Of the same kinds: events up to it; now, if not given" })),
    only_failed: Type.Optional(Type.Boolean({ description: "Only what was given up" })),
    dry_run: Type.Optional(Type.Boolean({ description: "Only count" })),
  },
  strict,
);
export type ReplayEvents = Static<typeof ReplayEvents>;

export const Replay = Type.Object(
  {
    webhook_id: Id,
    events: Type.Integer({ minimum: 0, description: "How many events will be sent, or would be" }),
    from: Type.String({ description: "The position in the log after which it begins" }),
    to: Type.String({ description: "The last position in the log that it looks at" }),
    dry_run: Type.Boolean(),
  },
  strict,
);
export type Replay = Static<typeof Replay>;
