import { catalog, transientCatalog } from "./catalog.ts";
import type { TopicPattern } from "./definition.ts";

/** Kinds of events that a reader may be kept from. What users publish, and words about a stream itself, belong to none. */
export const families = ["notes", "jobs", "webhooks"] as const;
export type Family = (typeof families)[number];

const byTopic: Record<TopicPattern, Family> = {
  notes: "notes",
  "note:": "notes",
  jobs: "jobs",
  "job:": "jobs",
  queue: "jobs",
  webhooks: "webhooks",
};

const byName = new Map<string, Family>();
for (const [name, { topics }] of [...Object.entries(catalog), ...Object.entries(transientCatalog)]) {
  // The first topic is what the event is about; a job's event is also found under its note.
  const [topic] = topics;
  if (topic !== undefined) byName.set(name, byTopic[topic]);
}

/** Undefined for an event that everybody who reads the log may have. */
export function familyOf(eventName: string): Family | undefined {
  return byName.get(eventName);
}
