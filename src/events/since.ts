import { invalid } from "../errors.ts";
import { parseCursor } from "./cursor.ts";
import type { EventLog, Position } from "./log.ts";

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
// RFC 3339, section 5.6, with the lower-case letters and the blank that it allows.
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Where to begin for what a person or a program wrote as `since`: `earliest`, `latest`, a cursor, a time (RFC 3339) or how long
 * ago (`10m`). Throws `invalid` naming `field` for anything else.
 */
export function positionSince(log: EventLog, text: string, nowMs: number, field = "since"): Position {
  if (text === "earliest") return { seq: log.oldest() - 1 };
  if (text === "latest") return { seq: log.head() };
  const cursor = parseCursor(text);
  if (cursor) return log.locate(cursor);
  const atMs = timeOf(text, nowMs);
  if (atMs !== undefined) return { seq: log.seqBefore(atMs) };
  throw invalid(
    field,
    `${field} must be an event id, a time like 2026-02-05T10:30:45Z, how long ago like 10m, earliest or latest.`,
  );
}

/** Where to end for what was written as `before`: the first sequence number that is not wanted. Takes and throws the same. */
export function endBefore(log: EventLog, text: string, nowMs: number): number {
  const { seq, gap } = positionSince(log, text, nowMs, "before");
  // The id of an event leaves that event out; every other form means a place between two events.
  return parseCursor(text) && !gap ? seq : seq + 1;
}

/** `Date.parse` takes 30 February for 2 March. */
function isDay(date: string): boolean {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}

function timeOf(text: string, nowMs: number): number | undefined {
  const ago = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text);
  if (ago) return nowMs - Number(ago[1]) * (unitMs[ago[2] ?? ""] ?? 0);
  // The `+` of an offset is a blank where a query was not escaped.
  const time = text.replace(/ (?=\d\d:\d\d$)/, "+");
  const parsed = rfc3339.test(time) && isDay(time.slice(0, 10)) ? Date.parse(time) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

/**
 * Some clients send a stale cursor in the query for ever while the header is up to date (or the other way round): of several the
 * newest counts, and one of the present life of the log before those of others.
 */
export function newestCursor(log: EventLog, texts: readonly string[]): string | undefined {
  const rank = (text: string): [number, number] => {
    const cursor = parseCursor(text);
    if (!cursor) return [0, 0];
    return [cursor.epoch === undefined || cursor.epoch === log.epoch ? 2 : 1, cursor.seq];
  };
  return [...texts].sort((a, b) => {
    const [epochA, seqA] = rank(a);
    const [epochB, seqB] = rank(b);
    return epochB - epochA || seqB - seqA;
  })[0];
}
