import { createFilter, type Filter } from "../events/filter.ts";
import type { Subscribe, Unsubscribe } from "./socket-message.ts";

/** What a message asks for. Throws `invalid` that names the field. */
export function filterOf({ topics, events, note_id, job_id }: Subscribe | Unsubscribe): Filter {
  const list = (value: string | string[] | undefined) => (typeof value === "string" ? value.split(",") : value);
  return createFilter({ topics: list(topics), events: list(events), noteIds: list(note_id), jobIds: list(job_id) });
}

const lists = ["topics", "events", "noteIds", "jobIds"] as const;

/**
 * What is left of `filter` without the values of `named`, which names them in one list alone: `filter` itself when it has none of
 * them, undefined when no value is left in that list.
 */
export function withoutNamed(filter: Filter, named: Filter): Filter | undefined {
  const [list, ...others] = lists.filter((one) => named[one].length > 0);
  if (list === undefined || others.length > 0) return filter;
  const rest = filter[list].filter((value) => !named[list].includes(value));
  if (rest.length === filter[list].length) return filter;
  return rest.length === 0 ? undefined : { ...filter, [list]: rest };
}

/** How it was understood. */
export function wireFilter({ topics, events, noteIds, jobIds }: Filter) {
  return { topics: [...topics], events: [...events], note_id: [...noteIds], job_id: [...jobIds] };
}
