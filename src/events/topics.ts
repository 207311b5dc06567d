import { catalog } from "./catalog.ts";
import type { TopicPattern } from "./definition.ts";
import { transientCatalog } from "./transient-catalog.ts";

/** The topic of every event that users publish themselves. */
export const customTopic = "custom";

const plainTopics: readonly string[] = ["notes", "jobs", "queue", "webhooks", customTopic];

/** Whether a subscriber can ask for `topic`: a plain one, or `note:<id>` / `job:<id>`. */
export function isTopic(topic: string): boolean {
  return plainTopics.includes(topic) || /^(note|job):[\w-]{1,64}$/.test(topic);
}

const definitions = new Map<string, readonly TopicPattern[]>(
  [...Object.entries(catalog), ...Object.entries(transientCatalog)].map(([name, { topics }]) => [name, topics]),
);
const customTopics: readonly string[] = [customTopic];

/** The topics of one event. */
export function topicsOf(event: { name: string; noteId: string | null; jobId: string | null }): readonly string[] {
  const patterns = definitions.get(event.name);
  if (!patterns) return customTopics;
  return patterns.flatMap((pattern) => completed(pattern, event));
}

function completed(pattern: TopicPattern, event: { noteId: string | null; jobId: string | null }): string[] {
  if (pattern === "note:") return event.noteId === null ? [] : [`note:${event.noteId}`];
  if (pattern === "job:") return event.jobId === null ? [] : [`job:${event.jobId}`];
  return [pattern];
}
