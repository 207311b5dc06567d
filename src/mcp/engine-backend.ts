import type { Clock } from "../clock.ts";
import { notFound } from "../errors.ts";
import type { Envelope } from "../events/catalog.ts";
import { parseCursor } from "../events/cursor.ts";
import { createFilter, type Filter, type FilterInput, mayHave, withoutFamilies } from "../events/filter.ts";
import { readHistory } from "../events/history.ts";
import type { Hub } from "../events/hub.ts";
import type { EventLog, Position, StoredEvent } from "../events/log.ts";
import { positionSince } from "../events/since.ts";
import { waitForEvents } from "../events/wait.ts";
import type { ListJobs } from "../jobs/contract.ts";
import type { JobQueue } from "../jobs/queue.ts";
import type { CreateNote, NoteFilter, UpdateNote } from "../notes/contract.ts";
import type { Notes } from "../notes/engine.ts";
import type { DeliveryFilter } from "../webhooks/contract.ts";
import type { Webhooks } from "../webhooks/engine.ts";
import type { Backend, Caller, Change, EventQuery, EventSlice, PageQuery, WaitQuery } from "./backend.ts";
import { hiddenFrom, mustHave } from "./rights.ts";

export interface Engines {
  log: EventLog;
  hub: Hub;
  clock: Clock;
  notes: Notes;
  jobs: JobQueue;
  webhooks: Webhooks;
}

/** The engines of this very process. */
export class EngineBackend implements Backend {
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(private readonly engines: Engines) {
    engines.log.onAppend((events) => this.#tell(events));
  }

  async listEvents({ filter, after, limit }: EventQuery, caller: Caller): Promise<EventSlice> {
    mustHave(caller, "events:read");
    const { signal } = caller;
    const { log } = this.engines;
    const { seq, gap = null } = this.#position(after);
    const page = await readHistory(log, { filter: filterFor(filter, caller), after: seq, limit, signal });
    return { events: page.events.map(envelopeOf), nextCursor: log.idOf(page.position), hasMore: !page.isEnd, gap };
  }

  async waitForEvents({ filter, after, ...query }: WaitQuery, caller: Caller): Promise<EventSlice> {
    mustHave(caller, "events:read");
    const { signal } = caller;
    const position = after === undefined ? { seq: this.engines.log.head() } : this.#position(after);
    const waited = await waitForEvents(this.engines, { ...query, filter: filterFor(filter, caller), position, signal });
    const { events, nextCursor, gap } = waited;
    return { events: events.map(envelopeOf), nextCursor, hasMore: events.length === query.limit, gap };
  }

  async getEvent(id: string, caller: Caller): Promise<Envelope> {
    mustHave(caller, "events:read");
    const cursor = parseCursor(id);
    const event = cursor && this.engines.log.get(cursor.seq);
    if (!event || (cursor.epoch !== undefined && event.id !== id)) throw notFound("event", id);
    if (!mayHave(hiddenFrom(caller), event.name)) throw notFound("event", id);
    return envelopeOf(event);
  }

  async latestEvents(limit: number, caller: Caller): Promise<Envelope[]> {
    mustHave(caller, "events:read");
    const { log } = this.engines;
    const hidden = hiddenFrom(caller);
    return log
      .readBefore(log.head() + 1, limit)
      .filter(({ name }) => mayHave(hidden, name))
      .map(envelopeOf);
  }

  async searchNotes({ cursor, ...query }: NoteFilter & PageQuery, caller: Caller) {
    mustHave(caller, "notes:read");
    return this.engines.notes.list(cursor === undefined ? query : { ...query, cursor });
  }

  async getNote(id: string, caller: Caller) {
    mustHave(caller, "notes:read");
    return this.engines.notes.get(id);
  }

  async getRevision(id: string, version: number, caller: Caller) {
    mustHave(caller, "notes:read");
    return this.engines.notes.revision(id, version);
  }

  async createNote(note: CreateNote, caller: Caller) {
    mustHave(caller, "notes:write");
    return this.engines.notes.create(note, caller.actor);
  }

  async updateNote(id: string, version: number, patch: UpdateNote, caller: Caller) {
    mustHave(caller, "notes:write");
    const { actor } = caller;
    return this.engines.notes.update(id, patch, { actor, ifMatch: version });
  }

  async reviseNote(id: string, instructions: string | undefined, caller: Caller) {
    mustHave(caller, "notes:write", "jobs:write");
    const { actor } = caller;
    const { job } = await this.engines.jobs.revise(id, instructions === undefined ? {} : { instructions }, actor);
    return job;
  }

  async getJob(id: string, caller: Caller) {
    mustHave(caller, "jobs:read");
    return this.engines.jobs.get(id);
  }

  async listJobs(query: ListJobs, caller: Caller) {
    mustHave(caller, "jobs:read");
    return this.engines.jobs.list(query);
  }

  async cancelJob(id: string, caller: Caller) {
    mustHave(caller, "jobs:write");
    return this.engines.jobs.cancel(id, caller.actor);
  }

  async queueStatus(caller: Caller) {
    mustHave(caller, "jobs:read");
    return this.engines.jobs.status();
  }

  async listWebhooks(page: PageQuery, caller: Caller) {
    mustHave(caller, "webhooks:read");
    return this.engines.webhooks.list(page);
  }

  async listDeliveries(webhookId: string, query: DeliveryFilter & PageQuery, caller: Caller) {
    mustHave(caller, "webhooks:read");
    return this.engines.webhooks.deliveries.list(webhookId, query);
  }

  async retryDelivery(webhookId: string, deliveryId: string, caller: Caller) {
    mustHave(caller, "webhooks:write");
    return this.engines.webhooks.deliveries.retry(webhookId, deliveryId);
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

function filterFor(filter: FilterInput, caller: Caller): Filter {
  return withoutFamilies(createFilter(filter), hiddenFrom(caller));
}

function envelopeOf({ text }: StoredEvent): Envelope {
  return JSON.parse(text);
}
