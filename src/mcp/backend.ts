import type { Actor, Envelope } from "../events/catalog.ts";
import type { FilterInput } from "../events/filter.ts";
import type { Gap } from "../events/log.ts";
import type { Job, JobPage, ListJobs, QueueStatus } from "../jobs/contract.ts";
import type { CreateNote, Note, NoteFilter, NotePage, Revision, UpdateNote } from "../notes/contract.ts";
import type { Delivery, DeliveryFilter, DeliveryPage, WebhookPage } from "../webhooks/contract.ts";

/** On whose behalf a tool runs, and until when. */
export interface Caller {
  actor: Actor;
  /** What its token may do, where it needed one: everything, if undefined. */
  scopes?: readonly string[] | undefined;
  /** Aborts when nobody waits for the answer any more. */
  signal: AbortSignal;
}

export interface EventQuery {
  filter: FilterInput;
  /** An event id, a time, how long ago (`10m`), `earliest` or `latest`; each backend reads it as `GET /events` does. */
  after: string;
  limit: number;
}

export interface WaitQuery extends Omit<EventQuery, "after"> {
  /** Now, if not given. */
  after?: string | undefined;
  timeoutMs: number;
  batchMs: number;
}

export interface EventSlice {
  events: Envelope[];
  /** Everything up to here has been looked at: go on from here. */
  nextCursor: string;
  /** Whether there is more in the log already. */
  hasMore: boolean;
  gap: Gap | null;
}

export interface PageQuery {
  limit: number;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
}

/** What a change feed tells of an event of the log. */
export interface Change {
  event: string;
  noteId: string | null;
}

/**
 * All that the tools and resources stand on: the engines of this process, or a server somewhere else. Everything rejects with
 * a `MatricError` or a `ClientError`, whose message is for the agent.
 */
export interface Backend {
  listEvents(query: EventQuery, caller: Caller): Promise<EventSlice>;
  /** The next events after a position: at once if there are any, or there is a gap; else as soon as one comes or the time is up. */
  waitForEvents(query: WaitQuery, caller: Caller): Promise<EventSlice>;
  getEvent(id: string, caller: Caller): Promise<Envelope>;
  /** The newest events, oldest first. */
  latestEvents(limit: number, caller: Caller): Promise<Envelope[]>;
  searchNotes(query: NoteFilter & PageQuery, caller: Caller): Promise<NotePage>;
  getNote(id: string, caller: Caller): Promise<Note>;
  getRevision(id: string, version: number, caller: Caller): Promise<Revision>;
  createNote(note: CreateNote, caller: Caller): Promise<Note>;
  /** `version_conflict` when the note has another version than `version`. */
  updateNote(id: string, version: number, patch: UpdateNote, caller: Caller): Promise<Note>;
  reviseNote(id: string, instructions: string | undefined, caller: Caller): Promise<Job>;
  getJob(id: string, caller: Caller): Promise<Job>;
  listJobs(query: ListJobs, caller: Caller): Promise<JobPage>;
  cancelJob(id: string, caller: Caller): Promise<Job>;
  queueStatus(caller: Caller): Promise<QueueStatus>;
  listWebhooks(page: PageQuery, caller: Caller): Promise<WebhookPage>;
  listDeliveries(webhookId: string, query: DeliveryFilter & PageQuery, caller: Caller): Promise<DeliveryPage>;
  retryDelivery(webhookId: string, deliveryId: string, caller: Caller): Promise<Delivery>;
  /** Hears of every event from now on, in order, until the returned function is called. The listener must not throw. */
  follow(listener: (change: Change) => void): () => void;
}
