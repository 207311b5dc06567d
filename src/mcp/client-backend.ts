import type { Client } from "../client/client.ts";
import { ClientError } from "../client/errors.ts";
import type { PollRequest } from "../client/events-api.ts";
import { wait } from "../client/wait.ts";
import type { Clock } from "../clock.ts";
import type { Envelope } from "../events/catalog.ts";
import type { EventPoll } from "../events/contract.ts";
import { formatCursor, parseCursor } from "../events/cursor.ts";
import type { ListJobs } from "../jobs/contract.ts";
import type { CreateNote, NoteFilter, UpdateNote } from "../notes/contract.ts";
import type { DeliveryFilter } from "../webhooks/contract.ts";
import type { Backend, Caller, Change, EventQuery, EventSlice, PageQuery, WaitQuery } from "./backend.ts";

/** Between attempts to reach a server that does not answer. */
const retryMs = 500;

/** A server somewhere else, by its HTTP interface. `client` acts on an agent's behalf. */
export class ClientBackend implements Backend {
  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
  ) {}

  async listEvents({ filter, after, limit }: EventQuery, { signal }: Caller): Promise<EventSlice> {
    const { events } = this.client;
    // First, since it tells of a gap, and how far the log goes when nothing is found.
    const poll = await events.poll({ filter, since: after, waitSeconds: 0, limit: 1 }, signal);
    const { items, next_cursor } = await events.list({ filter, after, limit }, signal);
    const nextCursor = next_cursor ?? items.at(-1)?.id ?? poll.next_cursor;
    return { events: items, nextCursor, hasMore: next_cursor !== null, gap: poll.gap };
  }

  async waitForEvents({ filter, after, limit, timeoutMs, batchMs }: WaitQuery, { signal }: Caller): Promise<EventSlice> {
    const endMs = this.clock.monotonicMs() + timeoutMs;
    const query = { filter, limit, batchMs };
    let position: EventSlice = { events: [], nextCursor: after ?? "latest", hasMore: false, gap: null };
    // A cursor first, without waiting: it stays where it is, whatever becomes of the polls that follow.
    let atOnce = timeoutMs === 0 || !parseCursor(position.nextCursor);
    for (;;) {
      const leftMs = Math.max(0, endMs - this.clock.monotonicMs());
      const poll = await this.#poll({ ...query, since: position.nextCursor, ...(atOnce && { waitSeconds: 0 }) }, leftMs, signal);
      if (poll) {
        const { items, next_cursor, gap } = poll;
        position = { events: items, nextCursor: next_cursor, hasMore: items.length === limit, gap };
        atOnce = false;
      }
      const isOver = this.clock.monotonicMs() >= endMs || signal.aborted;
      if (position.events.length > 0 || position.gap !== null || isOver) return position;
    }
  }

  getEvent(id: string, { signal }: Caller) {
    return this.client.events.get(id, signal);
  }

  async latestEvents(limit: number, { signal }: Caller): Promise<Envelope[]> {
    const { next_cursor } = await this.client.events.poll({ since: "latest", waitSeconds: 0 }, signal);
    const { seq, epoch } = parseCursor(next_cursor) ?? { seq: 0, epoch: undefined };
    const after = epoch === undefined ? "earliest" : formatCursor(Math.max(0, seq - limit), epoch);
    const { items } = await this.client.events.list({ after, limit }, signal);
    return items;
  }

  searchNotes(query: NoteFilter & PageQuery, { signal }: Caller) {
    return this.client.notes.list(query, signal);
  }

  getNote(id: string, { signal }: Caller) {
    return this.client.notes.get(id, signal);
  }

  getRevision(id: string, version: number, { signal }: Caller) {
    return this.client.notes.revision(id, version, signal);
  }

  createNote(note: CreateNote, { signal }: Caller) {
    return this.client.notes.create(note, signal);
  }

  updateNote(id: string, version: number, patch: UpdateNote, { signal }: Caller) {
    return this.client.notes.update(id, patch, { ifVersion: version, signal });
  }

  reviseNote(id: string, instructions: string | undefined, { signal }: Caller) {
    return this.client.notes.revise(id, instructions === undefined ? {} : { instructions }, signal);
  }

  getJob(id: string, { signal }: Caller) {
    return this.client.jobs.get(id, signal);
  }

  listJobs(query: ListJobs, { signal }: Caller) {
    return this.client.jobs.list(query, signal);
  }

  cancelJob(id: string, { signal }: Caller) {
    return this.client.jobs.cancel(id, signal);
  }

  queueStatus({ signal }: Caller) {
    return this.client.queue.status(signal);
  }

  listWebhooks(page: PageQuery, { signal }: Caller) {
    return this.client.webhooks.list(page, signal);
  }

  listDeliveries(webhookId: string, query: DeliveryFilter & PageQuery, { signal }: Caller) {
    return this.client.webhooks.deliveries(webhookId, query, signal);
  }

  retryDelivery(webhookId: string, deliveryId: string, { signal }: Caller) {
    return this.client.webhooks.retry(webhookId, deliveryId, signal);
  }

  follow(listener: (change: Change) => void): () => void {
    const stop = new AbortController();
    void this.#follow(listener, stop.signal).catch(() => {});
    return () => stop.abort();
  }

  async #follow(listener: (change: Change) => void, signal: AbortSignal): Promise<void> {
    for await (const item of this.client.stream({ signal })) {
      if (item.kind !== "event" || signal.aborted) continue;
      const noteId = item.envelope.data.note_id;
      listener({ event: item.name, noteId: typeof noteId === "string" ? noteId : null });
    }
  }

  /** One poll, for no longer than `leftMs`; undefined when nothing came in time, or the server is just being started again. */
  async #poll(query: PollRequest, leftMs: number, signal: AbortSignal): Promise<EventPoll | undefined> {
    const timeUp = new AbortController();
    // What answers at once needs no time; and until there is a cursor there is nothing to answer with.
    const cancel = query.waitSeconds === 0 ? () => {} : this.clock.after(leftMs, () => timeUp.abort());
    try {
      return await this.client.events.poll(query, AbortSignal.any([signal, timeUp.signal]));
    } catch (error) {
      if (timeUp.signal.aborted) return undefined;
      if (!isUnreachable(error) || leftMs <= retryMs) throw error;
      await wait(this.clock, retryMs, signal);
      return undefined;
    } finally {
      cancel();
    }
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof ClientError && (error.code === "unreachable" || error.code === "draining");
}
