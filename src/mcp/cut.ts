import type { Envelope } from "../events/catalog.ts";
import type { EventSlice } from "./backend.ts";

/** More than this in one answer, and agents begin to lose sight of the beginning, or their programs cut it at the end. */
const answerCharsMax = 50_000;
/** Data of one event above this is left out of lists. */
const dataCharsMax = 8_000;
const excerptCharsMax = 300;
/** So much of an excerpt stands before the word that was found. */
const excerptLeadChars = 60;

/** An event in a list; its data is left out when it is very long. */
export interface ListedEvent extends Envelope {
  omitted?: string;
}

/** As many of the events as one answer should hold, at least one; the cursor then stands behind the last of them. */
export function fitEvents({ events, nextCursor, hasMore, gap }: EventSlice): EventSlice & { events: ListedEvent[] } {
  const fitting: ListedEvent[] = [];
  let chars = 0;
  for (const event of events.map(listedEvent)) {
    chars += JSON.stringify(event.data).length;
    const last = fitting.at(-1);
    if (last && chars > answerCharsMax) return { events: fitting, nextCursor: last.id ?? nextCursor, hasMore: true, gap };
    fitting.push(event);
  }
  return { events: fitting, nextCursor, hasMore, gap };
}

/** An event as lists show it: very long data is left out. */
export function listedEvent(event: Envelope): ListedEvent {
  const { length } = JSON.stringify(event.data);
  if (length <= dataCharsMax) return event;
  return { ...event, data: {}, omitted: `data is left out: it is ${length} characters long; get_event has it all` };
}

/** A part of a long text, and where the next one begins (null at the end). No character is cut in two. */
export function partOf(text: string, offset: number, charsMax: number): { part: string; nextOffset: number | null } {
  const start = isInsidePair(text, offset) ? offset + 1 : offset;
  let end = Math.min(text.length, start + charsMax);
  if (isInsidePair(text, end)) end--;
  return { part: text.slice(start, end), nextOffset: end < text.length ? end : null };
}

/** The beginning of a text, or the part around the first of `words` that occurs in it. */
export function excerptOf(text: string, words: string): string {
  const lower = text.toLowerCase();
  const found = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => lower.indexOf(word))
    .filter((index) => index >= 0);
  const start = found.length === 0 ? 0 : Math.max(0, Math.min(...found) - excerptLeadChars);
  const { part, nextOffset } = partOf(text, start, excerptCharsMax);
  return `${start > 0 ? "…" : ""}${part}${nextOffset === null ? "" : "…"}`;
}

function isInsidePair(text: string, index: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(Math.max(0, index - 1), index + 1));
}
