import type { Clock } from "../clock.ts";
import { notFound } from "../errors.ts";
import type { Envelope } from "../events/catalog.ts";
import { parseCursor } from "../events/cursor.ts";
import { createFilter } from "../events/filter.ts";
import { readHistory } from "../events/history.ts";
import type { Hub } from "../events/hub.ts";
import type { EventLog, Position, StoredEvent } from "../events/log.ts";
import { positionSince } from "../events/since.ts";
import { waitForEvents } from "../events/wait.ts";
import type { ListJobs } from "../jobs/contract.ts";
import type { JobQueue } from "../jobs/queue.ts";
import type { CreateNote, NoteFilter, UpdateNote } from "../notes/contract.ts";
import type { Notes } from "../notes/engine.ts";
import type { Backend, Caller, Change, EventQuery, EventSlice, WaitQuery } from "./backend.ts";

export interface Engines {
  log: EventLog;
  hub: Hub;
  clock: Clock;
  notes: Notes;
  jobs: JobQueue;
}

/** The engines of this very process. */
export class EngineBackend implements Backend {
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(private readonly engines: Engines) {
    engines.log.onAppend((events) => this.#tell(events));
  }

  async listEvents({ filter, after, limit }: EventQuery, { signal }: Caller): Promise<EventSlice> {
    const { log } = this.engines;
    const { seq, gap = null } = this.#position(after);
    const page = await readHistory(log, { filter: createFilter(filter), after: seq, limit, signal });
    return { events: page.events.map(envelopeOf), nextCursor: log.idOf(page.position), hasMore: !page.isEnd, gap };
  }

  async waitForEvents({ filter, after, ...query }: WaitQuery, { signal }: Caller): Promise<EventSlice> {
    const position = after === undefined ? { seq: this.engines.log.head() } : this.#position(after);
    const waited = await waitForEvents(this.engines, { ...query, filter: createFilter(filter), position, signal });
    const { events, nextCursor, gap } = waited;
    return { events: events.map(envelopeOf), nextCursor, hasMore: events.length === query.limit, gap };
  }

  async getEvent(id: string): Promise<Envelope> {
    const cursor = parseCursor(id);
    const event = cursor && this.engines.log.get(cursor.seq);
    if (!event || (cursor.epoch !== undefined && event.id !== id)) throw notFound("event", id);
    return envelopeOf(event);
  }

  async latestEvents(limit: number): Promise<Envelope[]> {
    const { log } = this.engines;
    return log.readBefore(log.head() + 1, limit).map(envelopeOf);
  }

  async searchNotes(query: NoteFilter & { limit: number; cursor?: string }) {
    return this.engines.notes.list(query);
  }

  async getNote(id: string) {
    return this.engines.notes.get(id);
  }

  async getRevision(id: string, version: number) {
    return this.engines.notes.revision(id, version);
  }

  createNote(note: CreateNote, { actor }: Caller) {
    return this.engines.notes.create(note, actor);
  }

  updateNote(id: string, version: number, patch: UpdateNote, { actor }: Caller) {
    return this.engines.notes.update(id, patch, { actor, ifMatch: version });
  }

  async reviseNote(id: string, instructions: string | undefined, { actor }: Caller) {
    const { job } = await this.engines.jobs.revise(id, instructions === undefined ? {} : { instructions }, actor);
    return job;
  }

  async getJob(id: string) {
    return this.engines.jobs.get(id);
  }

  async listJobs(query: ListJobs) {
    return this.engines.jobs.list(query);
  }

  cancelJob(id: string, { actor }: Caller) {
    return this.engines.jobs.cancel(id, actor);
  }

  async queueStatus() {
    return this.engines.jobs.status();
  }

  follow(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #position(after: string): Position {
    const { log, clock } = this.engines;
    return positionSince(log, after, clock.now(), "after");
  }

  #tell(events: readonly StoredEvent[]): void {
    if (this.#listeners.size === 0) return;
    for (const { name, noteId } of events) for (const listener of this.#listeners) listener({ event: name, noteId });
  }
}

function envelopeOf({ text }: StoredEvent): Envelope {
  return JSON.parse(text);
}
