import { createFilter, type Filter } from "../events/filter.ts";
import type { Subscribe, Unsubscribe } from "./socket-message.ts";

/** What a message asks for. Throws `invalid` that names the field. */
export function filterOf({ topics, events, note_id, job_id }: Subscribe | Unsubscribe): Filter {
  const list = (value: string | string[] | undefined) => (typeof value === "string" ? value.split(",") : value);
  return createFilter({ topics: list(topics), events: list(events), noteIds: list(note_id), jobIds: list(job_id) });
}

/** How it was understood. */
export function wireFilter({ topics, events, noteIds, jobIds }: Filter) {
  return { topics: [...topics], events: [...events], note_id: [...noteIds], job_id: [...jobIds] };
}
