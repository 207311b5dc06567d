import { invalid } from "../errors.ts";
import { type Family, familyOf } from "./families.ts";
import { fromDotted, isBuiltIn, isEventName, nearestBuiltIn } from "./names.ts";
import { isTopic, topicsOf } from "./topics.ts";

/** What a subscriber asks for. Within one list any may match, between the lists all must; an empty list asks for nothing. */
export interface Filter {
  /** Exact names, `Job*` for a family, `*` for all. */
  readonly events: readonly string[];
  readonly topics: readonly string[];
  readonly noteIds: readonly string[];
  readonly jobIds: readonly string[];
  /** What the reader may not have, whatever it asks for; left out for one that may have all. */
  readonly hidden?: readonly Family[];
}

export const everything: Filter = { events: [], topics: [], noteIds: [], jobIds: [] };

/** What a filter looks at in an event. */
export interface Matchable {
  readonly name: string;
  readonly noteId: string | null;
  readonly jobId: string | null;
}

export interface FilterInput {
  events?: readonly string[] | undefined;
  topics?: readonly string[] | undefined;
  noteIds?: readonly string[] | undefined;
  jobIds?: readonly string[] | undefined;
}

const valuesMax = 256;

/** The same filter for a reader who may not have these families of events. */
export function withoutFamilies(filter: Filter, hidden: readonly Family[] | undefined): Filter {
  const { events, topics, noteIds, jobIds } = filter;
  return hidden === undefined ? { events, topics, noteIds, jobIds } : { events, topics, noteIds, jobIds, hidden };
}

/** Whether a reader who may not have these families may have this event. */
export function mayHave(hidden: readonly Family[] | undefined, eventName: string): boolean {
  if (hidden === undefined) return true;
  const family = familyOf(eventName);
  return family === undefined || !hidden.includes(family);
}

/**
 * Checks what a subscriber asked for, and keeps its order. Throws `invalid` that names the field, and the nearest name where an
 * event's name looks like a typing error.
 */
export function createFilter(input: FilterInput): Filter {
  const events = clean("events", input.events).map(eventPattern);
  return {
    events: events.includes("*") ? [] : [...new Set(events)],
    topics: clean("topics", input.topics).map((topic) => {
      if (isTopic(topic)) return topic;
      throw invalid(
        "topics",
        `"${topic}" is not a topic. Topics are notes, jobs, queue, webhooks, custom, note:<id> and job:<id>.`,
      );
    }),
    noteIds: clean("note_id", input.noteIds),
    jobIds: clean("job_id", input.jobIds),
  };
}

function clean(field: string, values: readonly string[] = []): string[] {
  const list = [...new Set(values.map((value) => value.trim()).filter((value) => value !== ""))];
  if (list.length > valuesMax) throw invalid(field, `${field} names ${list.length} values; at most ${valuesMax} are taken.`);
  const long = list.find((value) => value.length > 80);
  if (long) throw invalid(field, `"${long.slice(0, 80)}…" is too long for ${field}.`);
  return list;
}

function eventPattern(text: string): string {
  const name = fromDotted(text);
  if (name === "*" || isBuiltIn(name)) return name;
  if (name.endsWith("*") && isEventName(name.slice(0, -1))) return name;
  const nearest = nearestBuiltIn(name);
  if (nearest) throw invalid("events", `There is no event "${text}". Did you mean ${nearest}?`);
  if (!isEventName(name)) {
    throw invalid(
      "events",
      `"${text}" is not the name of an event. Names are PascalCase like NoteUpdated; Job* stands for a family.`,
    );
  }
  return name;
}

export function matches(filter: Filter, event: Matchable): boolean {
  const { events, topics, noteIds, jobIds, hidden } = filter;
  if (hidden !== undefined && !mayHave(hidden, event.name)) return false;
  if (noteIds.length > 0 && !(event.noteId !== null && noteIds.includes(event.noteId))) return false;
  if (jobIds.length > 0 && !(event.jobId !== null && jobIds.includes(event.jobId))) return false;
  if (events.length > 0 && !events.some((pattern) => nameMatches(pattern, event.name))) return false;
  return topics.length === 0 || topicsOf(event).some((topic) => topics.includes(topic));
}

function nameMatches(pattern: string, name: string): boolean {
  return pattern === name || (pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1)));
}

/** Equal for filters that ask for the same, in whatever order. */
export function filterKey({ events, topics, noteIds, jobIds, hidden }: Filter): string {
  return JSON.stringify([events, topics, noteIds, jobIds, hidden].map((list) => list?.toSorted()));
}

/** Under which keys an index finds this filter: one list that every matching event meets. */
export function indexKeys(filter: Filter): string[] {
  if (filter.noteIds.length > 0) return filter.noteIds.map((id) => `note ${id}`);
  if (filter.jobIds.length > 0) return filter.jobIds.map((id) => `job ${id}`);
  if (filter.topics.length > 0 && filter.topics.every((topic) => topic.includes(":")))
    return filter.topics.map((topic) => `topic ${topic}`);
  if (filter.events.length > 0)
    return filter.events.map((pattern) => (pattern.endsWith("*") ? `prefix ${pattern.slice(0, -1)}` : `name ${pattern}`));
  if (filter.topics.length > 0) return filter.topics.map((topic) => `topic ${topic}`);
  return ["all"];
}

/** The keys under which filters that may match this event stand in the index. */
export function eventKeys(event: Matchable, prefixLengths: Iterable<number>): string[] {
  const keys = ["all", `name ${event.name}`, ...topicsOf(event).map((topic) => `topic ${topic}`)];
  if (event.noteId !== null) keys.push(`note ${event.noteId}`);
  if (event.jobId !== null) keys.push(`job ${event.jobId}`);
  for (const length of prefixLengths) if (length <= event.name.length) keys.push(`prefix ${event.name.slice(0, length)}`);
  return keys;
}
