import { type TObject, Type } from "@sinclair/typebox";
import { invalid } from "../errors.ts";
import { parseCursor } from "../events/cursor.ts";
import { createFilter, type Filter } from "../events/filter.ts";
import type { EventLog, Position } from "../events/log.ts";
import { newestCursor, positionSince } from "../events/since.ts";
import { nearestOf } from "../spelling.ts";
import { urlOf } from "./request-url.ts";

const text = (description: string) => Type.Optional(Type.String({ description }));

/** The filter as query parameters; each may be given several times, or as a list with commas. */
export const filterQuery = {
  events: text("Names of events, `Job*` for a family, or dotted `job.completed`; separated by commas"),
  topics: text("notes, jobs, queue, webhooks, custom, note:<id> or job:<id>; separated by commas"),
  note_id: text("Only events about these notes"),
  job_id: text("Only events about these jobs"),
};

/** Where to begin, as query parameters. */
export const cursorQuery = {
  since: text("An event id, a time (RFC 3339), how long ago (`10m`), `earliest` or `latest`"),
  last_event_id: text("The last event seen, like the header Last-Event-ID"),
  lastEventId: text("Another spelling of it, which some clients use"),
};

/** How a client that can send no header shows who it is. */
export const ticketQuery = { ticket: text("A single-use ticket of POST /api/v1/events/tickets, in the place of a token") };

/** All query parameters of `GET /events`. */
export const streamQuery = Type.Object({
  ...filterQuery,
  ...cursorQuery,
  ...ticketQuery,
  transport: Type.Optional(
    Type.Literal("poll", { description: "Answer as soon as there is an event, or with none after a while" }),
  ),
  batch_ms: Type.Optional(Type.String({ description: "Collect events for so many milliseconds, then send them together" })),
  wait_seconds: Type.Optional(Type.String({ description: "Long poll: answer with no event after so long" })),
  after: Type.Optional(Type.String({ description: "Another spelling of `since`" })),
  before: Type.Optional(Type.String({ description: "History: events before this id" })),
  cursor: Type.Optional(Type.String({ description: "History and long poll: the next_cursor of the answer before" })),
  limit: Type.Optional(
    Type.String({
      description: "History: at most so many events (default 50, at most as many as the lists give, 500 unless set otherwise)",
    }),
  ),
});

/** All query parameters of `GET /ws`. */
export const socketQuery = Type.Object({ ...filterQuery, ...cursorQuery, ...ticketQuery });

/**
 * The parameters of a stream. One that looks like a misspelt one of `schema` is refused, so that no stream waits in silence; any
 * other one is let be: clients and proxies add their own, `_=123` against caches for one. Throws `invalid`.
 */
export function streamParams(request: Request, schema: TObject): URLSearchParams {
  const params = urlOf(request).searchParams;
  const known = Object.keys(schema.properties);
  for (const name of params.keys()) {
    if (known.includes(name)) continue;
    const meant = nearestOf(name, known) ?? known.find((one) => name.length >= 3 && one.startsWith(name.toLowerCase()));
    if (meant) throw invalid(name, `There is no parameter "${name}" here. Did you mean ${meant}?`);
  }
  return params;
}

function listOf(params: URLSearchParams, name: string): string[] {
  return params.getAll(name).flatMap((value) => value.split(","));
}

/** Undefined when none of the filter's parameters is given. */
export function filterFrom(params: URLSearchParams): Filter | undefined {
  if (!Object.keys(filterQuery).some((name) => params.has(name))) return undefined;
  return createFilter({
    events: listOf(params, "events"),
    topics: listOf(params, "topics"),
    noteIds: listOf(params, "note_id"),
    jobIds: listOf(params, "job_id"),
  });
}

/** Where a reader's place is written; `cursor` and `after` are how pages of the history say it. */
const placeNames = ["last_event_id", "lastEventId", "cursor", "after", "since"];

/**
 * Where reading begins: after the newest of the cursors that were sent in whatever form, else at the time or word that was, else
 * at the head, or at `otherwise`. Throws `invalid` that names the parameter.
 */
export function startOf(
  request: Request,
  params: URLSearchParams,
  log: EventLog,
  nowMs: number,
  otherwise = log.head(),
): { position: Position; resumed: boolean } {
  const header = { name: "last_event_id", text: request.headers.get("last-event-id") ?? "" };
  const query = placeNames.flatMap((name) => params.getAll(name).map((text) => ({ name, text })));
  const places = [header, ...query].filter(({ text }) => text !== "");
  const cursors = places.map(({ text }) => text).filter((text) => parseCursor(text));
  const newest = newestCursor(log, cursors);
  if (newest !== undefined) return { position: positionSince(log, newest, nowMs), resumed: true };
  const [first] = places;
  if (first === undefined) return { position: { seq: otherwise }, resumed: false };
  return { position: positionSince(log, first.text, nowMs, first.name), resumed: first.text !== "latest" };
}

/** A whole number from the query. Throws `invalid` that names the parameter and its bounds. */
export function numberFrom(params: URLSearchParams, name: string, least: number, most: number, fallback: number): number {
  const value = params.get(name);
  if (value === null || value === "") return fallback;
  if (!/^\d{1,12}$/.test(value) || Number(value) < least || Number(value) > most) {
    throw invalid(name, `${name} must be a whole number from ${least} to ${most}, not "${value.slice(0, 40)}".`);
  }
  return Number(value);
}
