import type { StoredEvent } from "./log.ts";

/** For a client that is behind: a `JobProgress` that a later one of the same job overtakes tells it nothing. */
export function withoutSuperseded(events: readonly StoredEvent[]): StoredEvent[] {
  const newest = new Map<string, number>();
  for (const event of events) if (isProgress(event)) newest.set(event.jobId ?? "", event.seq);
  return events.filter((event) => !isProgress(event) || newest.get(event.jobId ?? "") === event.seq);
}

function isProgress(event: StoredEvent): boolean {
  return event.name === "JobProgress" && event.jobId !== null;
}
