import type { Tx } from "../db/writer.ts";
import { type Actor, type EventData, type EventName, subjectOf } from "./catalog.ts";
import type { Cursor } from "./cursor.ts";

/** An event that is to be committed together with the change it tells of. */
export interface EventDraft {
  event: string;
  data: Readonly<Record<string, unknown>>;
  /** The JSON of `data`, where it has been made already. */
  json?: string;
  subject: string | null;
  actor: Actor;
  /** The trace that it belongs to if the work under way belongs to another: a `traceparent`. */
  trace?: string | null;
}

/** A committed event. `text` is the JSON that every transport sends, made once. */
export interface StoredEvent {
  readonly seq: number;
  readonly id: string;
  readonly name: string;
  /** When, in milliseconds; in the order of the log even where the clock went back. */
  readonly at: number;
  readonly noteId: string | null;
  readonly jobId: string | null;
  readonly text: string;
  /** Where a trace goes on that leads through this event: its `traceparent`. */
  readonly trace?: string | undefined;
}

/** Why events between two positions cannot be had. */
export type GapReason = "expired" | "other_epoch" | "ahead_of_log";

/** What a reader is told of them; `to` is where reading goes on. */
export interface Gap {
  from: string;
  to: string;
  reason: GapReason;
}

/** Where reading goes on for a cursor that somebody brought along. */
export interface Position {
  /** The sequence number after which to read. */
  seq: number;
  gap?: Gap;
}

/**
 * The durable, ordered list of all events. Deliberately narrow: another store can take the place of SQLite.
 * Sequence numbers rise strictly and are never given twice.
 */
export interface EventLog {
  /** The present life of the log. */
  readonly epoch: string;
  /**
   * Adds events within the transaction of the change they tell of; `onAppend` listeners hear of them after its commit.
   * Returns them as they will be stored.
   */
  append(tx: Tx, drafts: readonly EventDraft[]): StoredEvent[];
  /** At most `limit` events after `seq`, in order, and no more than about `charsMax` of text (but at least one event). */
  readAfter(seq: number, limit: number, charsMax?: number): StoredEvent[];
  /** At most `limit` events before `seq`, in order of the log. */
  readBefore(seq: number, limit: number): StoredEvent[];
  get(seq: number): StoredEvent | undefined;
  /** Sequence number of the newest committed event; that of the last one ever when the log is empty. */
  head(): number;
  /** Events below this sequence number have been removed, none from it on. */
  oldest(): number;
  /** The position before the first event at or after `ms`; further back, never further on, where the clock has jumped. */
  seqBefore(ms: number): number;
  /** Where to go on for `cursor`, and what cannot be had any more. */
  locate(cursor: Cursor): Position;
  /** The id that belongs to a sequence number. */
  idOf(seq: number): string;
  /** Removes at most `limit` of the oldest events up to and including `seq`. Returns how many. */
  prune(tx: Tx, seq: number, limit: number): number;
  /** Hears of every committed event, in order, right after the commit. Must not throw. */
  onAppend(listener: (events: readonly StoredEvent[]) => void): void;
}

/** A built-in event, checked by its type. The subject follows from the data. */
export function draft<Name extends EventName>(event: Name, data: EventData<Name>, actor: Actor): EventDraft {
  return { event, data, subject: subjectOf(event, data), actor };
}
