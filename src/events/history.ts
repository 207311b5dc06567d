import { type Filter, matches } from "./filter.ts";
import type { EventLog, StoredEvent } from "./log.ts";

/** Rows looked at in one turn of the event loop, so that a rare event far away does not keep the streams waiting. */
const stepEvents = 2000;
const stepCharsMax = 1024 * 1024;
/** A page ends early rather than hold hundreds of the largest events; the 200 that agents and the page ask for always fit. */
export const pageCharsMax = 16 * 1024 * 1024;

export interface HistoryQuery {
  filter: Filter;
  /** Events after this sequence number. */
  after: number;
  /** Events before this one only, if given. */
  before?: number;
  limit: number;
  signal?: AbortSignal;
}

export interface HistoryPage {
  events: StoredEvent[];
  /** Everything up to here has been looked at: where the next page begins. */
  position: number;
  /** Whether the end of what was asked for has been reached. */
  isEnd: boolean;
}

/** One page of the log, oldest first: at most `limit` events, fewer when they are very large. */
export async function readHistory(log: EventLog, { filter, after, before, limit, signal }: HistoryQuery): Promise<HistoryPage> {
  const end = Math.min(log.head(), before === undefined ? Number.POSITIVE_INFINITY : before - 1);
  const events: StoredEvent[] = [];
  let position = after;
  let chars = 0;
  while (position < end && !signal?.aborted) {
    const step = log.readAfter(position, stepEvents, stepCharsMax);
    if (step.length === 0) break;
    for (const event of step) {
      if (event.seq > end) return { events, position: Math.max(position, end), isEnd: true };
      if (matches(filter, event)) {
        if (events.length === limit || chars >= pageCharsMax) return { events, position, isEnd: false };
        events.push(event);
        chars += event.text.length;
      }
      position = event.seq;
    }
    await new Promise((resume) => setImmediate(resume));
  }
  return { events, position: Math.max(position, end), isEnd: true };
}
