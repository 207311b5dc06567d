import type { Scope } from "../auth/contract.ts";

/**
 * What a route needs where auth is on: nothing, any token, or a token with all of these scopes. `in_band` is the WebSocket, whose
 * client may also show its token in its first message.
 */
export type Need = "public" | "any" | "in_band" | readonly Scope[];

const v1 = "/api/v1";

/** Every route, so that none can be forgotten: one that is not here is refused to everybody. */
const needs: Record<string, Need> = {
  "GET /": "public",
  "GET /assets/:name": "public",
  "GET /health": "public",
  "GET /health/ready": "public",
  "GET /metrics": "any",
  "GET /swagger": "public",
  "GET /swagger/json": "public",
  "GET /swagger/viewer.js": "public",
  "GET /swagger/viewer.css": "public",
  "GET /swagger/start.js": "public",
  [`GET ${v1}/asyncapi.json`]: "public",

  // Which tools an agent may use is decided for each call.
  "ALL /mcp": "any",

  [`POST ${v1}/notes`]: ["notes:write"],
  [`GET ${v1}/notes`]: ["notes:read"],
  [`GET ${v1}/notes/:id`]: ["notes:read"],
  [`PATCH ${v1}/notes/:id`]: ["notes:write"],
  [`DELETE ${v1}/notes/:id`]: ["notes:write"],
  [`POST ${v1}/notes/:id/restore`]: ["notes:write"],
  [`GET ${v1}/notes/:id/revisions`]: ["notes:read"],
  [`GET ${v1}/notes/:id/revisions/:version`]: ["notes:read"],
  [`POST ${v1}/notes/:id/revisions/:version/restore`]: ["notes:write"],
  // The job writes into the note.
  [`POST ${v1}/notes/:id/revise`]: ["notes:write", "jobs:write"],

  [`POST ${v1}/jobs`]: ["jobs:write"],
  [`GET ${v1}/jobs`]: ["jobs:read"],
  [`GET ${v1}/jobs/:id`]: ["jobs:read"],
  [`POST ${v1}/jobs/:id/cancel`]: ["jobs:write"],
  [`POST ${v1}/jobs/:id/retry`]: ["jobs:write"],
  [`POST ${v1}/jobs/claim`]: ["jobs:write"],
  [`POST ${v1}/jobs/:id/progress`]: ["jobs:write"],
  [`POST ${v1}/jobs/:id/complete`]: ["jobs:write"],
  [`POST ${v1}/jobs/:id/fail`]: ["jobs:write"],
  [`GET ${v1}/queue`]: ["jobs:read"],
  [`POST ${v1}/queue/pause`]: ["jobs:write"],
  [`POST ${v1}/queue/resume`]: ["jobs:write"],

  [`POST ${v1}/events`]: ["events:write"],
  [`GET ${v1}/events`]: ["events:read"],
  [`GET ${v1}/events/:id`]: ["events:read"],
  [`POST ${v1}/events/tickets`]: ["events:read"],
  [`GET ${v1}/ws`]: "in_band",
  [`GET ${v1}/event-types`]: "any",

  [`POST ${v1}/webhooks`]: ["webhooks:write"],
  [`GET ${v1}/webhooks`]: ["webhooks:read"],
  [`GET ${v1}/webhooks/:id`]: ["webhooks:read"],
  [`PATCH ${v1}/webhooks/:id`]: ["webhooks:write"],
  [`DELETE ${v1}/webhooks/:id`]: ["webhooks:write"],
  [`POST ${v1}/webhooks/:id/test`]: ["webhooks:write"],
  [`POST ${v1}/webhooks/:id/rotate-secret`]: ["webhooks:write"],
  [`POST ${v1}/webhooks/:id/enable`]: ["webhooks:write"],
  [`POST ${v1}/webhooks/:id/disable`]: ["webhooks:write"],
  [`GET ${v1}/webhooks/:id/deliveries`]: ["webhooks:read"],
  [`GET ${v1}/webhooks/:id/deliveries/:delivery_id`]: ["webhooks:read"],
  [`POST ${v1}/webhooks/:id/deliveries/:delivery_id/retry`]: ["webhooks:write"],
  [`POST ${v1}/webhooks/:id/replay`]: ["webhooks:write"],

  // It shows its token in its body, or takes its cookie away.
  [`POST ${v1}/session`]: "public",
  [`DELETE ${v1}/session`]: "public",
  [`GET ${v1}/session`]: "any",

  [`POST ${v1}/tokens`]: ["admin"],
  [`GET ${v1}/tokens`]: ["admin"],
  [`DELETE ${v1}/tokens/:id`]: ["admin"],
  [`GET ${v1}/connections`]: ["admin"],
  [`GET ${v1}/backup`]: ["admin"],
};

/** Undefined for a route that nobody has decided about. */
export function needOf(method: string, route: string): Need | undefined {
  return needs[`${method === "HEAD" ? "GET" : method} ${route}`] ?? needs[`ALL ${route}`];
}

/** The scopes that a need comes to. */
export function scopesOf(need: Need): readonly Scope[] {
  if (need === "in_band") return streamScopes;
  return typeof need === "string" ? [] : need;
}

/** What every stream of events needs, whichever way its client shows who it is. */
export const streamScopes: readonly Scope[] = ["events:read"];
