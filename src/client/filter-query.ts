/** Which events a stream or a page of history is about: within one list any may match, between the lists all must. */
export interface EventFilter {
  /** `NoteUpdated`, `Job*`, `job.completed`. */
  events?: readonly string[] | undefined;
  /** `notes`, `jobs`, `queue`, `webhooks`, `custom`, `note:<id>`, `job:<id>`. */
  topics?: readonly string[] | undefined;
  noteIds?: readonly string[] | undefined;
  jobIds?: readonly string[] | undefined;
}

/** The filter as query parameters. */
export function filterQuery(filter: EventFilter = {}): Record<string, string> {
  const lists = { events: filter.events, topics: filter.topics, note_id: filter.noteIds, job_id: filter.jobIds };
  return Object.fromEntries(
    Object.entries(lists).flatMap(([name, list = []]) => (list.length > 0 ? [[name, list.join(",")]] : [])),
  );
}
