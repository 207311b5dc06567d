import { type Static, Type } from "@sinclair/typebox";

const strict = { additionalProperties: false };

/** What a token may do. `admin` may do everything. */
export const scopes = [
  "notes:read",
  "notes:write",
  "jobs:read",
  "jobs:write",
  "events:read",
  "events:write",
  "webhooks:read",
  "webhooks:write",
  "admin",
] as const;
export type Scope = (typeof scopes)[number];

export const Scope = Type.Unsafe<Scope>(Type.Union(scopes.map((scope) => Type.Literal(scope))));
const Scopes = Type.Array(Scope, {
  minItems: 1,
  maxItems: scopes.length,
  description: "What it may do; `admin` may do everything",
});
const Time = (description: string) => Type.String({ format: "date-time", description });
const nullableTime = (description: string) => Type.Union([Time(description), Type.Null()]);

const nameCharsMax = 100;

export const CreateToken = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: nameCharsMax, description: "For people: who or what uses it" }),
    scopes: Scopes,
    expires_at: Type.Optional(Type.String({ description: "A time (RFC 3339) in the future; it never expires, if not given" })),
  },
  strict,
);
export type CreateToken = Static<typeof CreateToken>;

export const TokenStatus = Type.Union([Type.Literal("active"), Type.Literal("expired"), Type.Literal("revoked")]);

/** A token on the wire: everything but itself. */
export const Token = Type.Object(
  {
    id: Type.String({ description: "UUIDv7; `actor.id` of the events it causes" }),
    name: Type.String(),
    scopes: Scopes,
    status: TokenStatus,
    created_at: Time("When it was made"),
    expires_at: nullableTime("From then on it is not accepted"),
    last_used_at: nullableTime("When it was last seen, to the minute"),
    revoked_at: nullableTime("When it was revoked"),
  },
  { ...strict, description: "An access token" },
);
export type Token = Static<typeof Token>;

export const CreatedToken = Type.Object(
  { ...Token.properties, token: Type.String({ description: "The token itself; shown now and never again" }) },
  { ...strict, description: "The new token" },
);
export type CreatedToken = Static<typeof CreatedToken>;

export const TokenPage = Type.Object({ items: Type.Array(Token), next_cursor: Type.Union([Type.String(), Type.Null()]) }, strict);
export type TokenPage = Static<typeof TokenPage>;

export const SignIn = Type.Object({ token: Type.String({ minLength: 1, maxLength: 8192 }) }, strict);

/** Who makes a request, and what it may do. */
export const Session = Type.Object(
  {
    auth: Type.Union([Type.Literal("on"), Type.Literal("off")], { description: "`off`: everybody may do everything" }),
    token_id: Type.Union([Type.String(), Type.Null()]),
    scopes: Type.Array(Scope),
    expires_at: nullableTime("When the token expires"),
  },
  { ...strict, description: "Who makes a request" },
);
export type Session = Static<typeof Session>;

export const Ticket = Type.Object(
  {
    ticket: Type.String({ description: "For `?ticket=` of one SSE stream or WebSocket" }),
    expires_at: Time("Until then it must be used"),
  },
  { ...strict, description: "A single-use ticket" },
);
export type Ticket = Static<typeof Ticket>;
