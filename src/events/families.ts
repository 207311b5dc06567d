import { catalog } from "./catalog.ts";
import type { TopicPattern } from "./definition.ts";
import { transientCatalog } from "./transient-catalog.ts";

/** Kinds of events that a reader may be kept from, each by the name of the scope that lets it read them. `events` is what users publish. */
export const families = ["notes", "jobs", "webhooks", "events"] as const;
export type Family = (typeof families)[number];

const byTopic: Record<TopicPattern, Family> = {
  notes: "notes",
  "note:": "notes",
  jobs: "jobs",
  "job:": "jobs",
  queue: "jobs",
  webhooks: "webhooks",
};

const byName = new Map<string, Family | undefined>();
for (const [name, { topics }] of [...Object.entries(catalog), ...Object.entries(transientCatalog)]) {
  // The first topic is what the event is about; a job's event is also found under its note.
  const [topic] = topics;
  byName.set(name, topic && byTopic[topic]);
}

/** Undefined for a word about a stream itself, which is for everybody who has one. */
export function familyOf(eventName: string): Family | undefined {
  return byName.has(eventName) ? byName.get(eventName) : "events";
}
