import { type Clock, timestamp } from "../clock.ts";
import type { Db } from "../db/open.ts";
import type { Tx } from "../db/writer.ts";
import type { Actor } from "./catalog.ts";
import { type Cursor, formatCursor } from "./cursor.ts";
import { closeEpochs, type Epoch, openEpochs, readBootId } from "./epochs.ts";
import type { EventDraft, EventLog, GapReason, Position, StoredEvent } from "./log.ts";

interface Row {
  seq: number;
  name: string;
  at: number;
  note_id: string | null;
  job_id: string | null;
  body: string;
  trace_context: string | null;
}

const columns = "seq, name, at, note_id, job_id, body, trace_context";

/** Puts an event that is about to be stored into a trace; returns the `traceparent` with which that goes on. */
export type TraceEvent = (tx: Tx, draft: EventDraft, id: string) => string | undefined;

/** The log in the `events` table. The statements are prepared once: they run for every event. */
export class SqliteLog implements EventLog {
  readonly epoch: string;
  readonly #epochs: Epoch[];
  readonly #listeners: ((events: readonly StoredEvent[]) => void)[] = [];
  /** Newest sequence number given out, committed or not: one that was rolled back is never used again. */
  #given: number;
  /** Newest one that the disk holds; nobody sees anything beyond. */
  #head: number;
  #oldest: number;
  /** Kept from going back when the clock does, so that times in the log are in order and can be searched. */
  #latestAt: number;
  #lastFrame: Pick<EventDraft, "event" | "subject"> & { actor: Actor | undefined; time: string; text: string } = {
    event: "",
    subject: null,
    actor: undefined,
    time: "",
    text: "",
  };
  readonly #insert;
  readonly #after;
  readonly #before;
  readonly #get;
  readonly #firstFrom;
  readonly #delete;
  readonly #setPruned;

  constructor(
    private readonly db: Db,
    private readonly clock: Clock,
    private readonly trace: TraceEvent = () => undefined,
    bootId = readBootId(),
  ) {
    const { sqlite } = db;
    this.#insert = sqlite.query(`INSERT INTO events (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
    this.#after = sqlite.query<Row, [number, number, number]>(
      `SELECT ${columns} FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
    );
    this.#before = sqlite.query<Row, [number, number]>(`SELECT ${columns} FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?`);
    this.#get = sqlite.query<Row, [number]>(`SELECT ${columns} FROM events WHERE seq = ?`);
    this.#firstFrom = sqlite.query<{ seq: number; at: number }, [number]>(
      "SELECT seq, at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1",
    );
    this.#delete = sqlite.query("DELETE FROM events WHERE seq <= ?");
    this.#setPruned = sqlite.query("UPDATE log_state SET pruned_seq = ? WHERE id = 1");

    const pruned = sqlite.query<{ pruned_seq: number }, []>("SELECT pruned_seq FROM log_state").get()?.pruned_seq ?? 0;
    const newest = sqlite.query<{ seq: number; at: number }, []>("SELECT seq, at FROM events ORDER BY seq DESC LIMIT 1").get();
    this.#head = Math.max(pruned, newest?.seq ?? 0);
    this.#given = this.#head;
    this.#oldest = pruned + 1;
    this.#latestAt = newest?.at ?? 0;

    this.#epochs = openEpochs(sqlite, this.#head, clock.now(), bootId);
    this.epoch = this.#epochs.at(-1)?.epoch ?? "";
  }

  append(tx: Tx, drafts: readonly EventDraft[]): StoredEvent[] {
    const nowMs = this.clock.now();
    this.#latestAt = Math.max(this.#latestAt, nowMs);
    const time = timestamp(nowMs);
    const events = drafts.map((draft) => this.#store(tx, draft, this.#latestAt, time));
    tx.afterCommit(() => {
      this.#head = events.at(-1)?.seq ?? this.#head;
      for (const listener of this.#listeners) listener(events);
    });
    return events;
  }

  #store(tx: Tx, draft: EventDraft, at: number, time: string): StoredEvent {
    const seq = ++this.#given;
    const id = formatCursor(seq, this.epoch);
    const { event: name, data, json = JSON.stringify(data) } = draft;
    const text = `{"id":"${id}",${this.#frame(draft, time)}${json}}`;
    const noteId = entityId(data.note_id);
    const jobId = entityId(data.job_id);
    const trace = this.trace(tx, draft, id);
    this.#insert.run(seq, name, at, noteId, jobId, text, trace ?? null);
    return { seq, id, name, at, noteId, jobId, text, trace };
  }

  /** What stands between the id of an event and its data. In a burst it is the same for many. */
  #frame({ event, subject, actor }: EventDraft, time: string): string {
    const last = this.#lastFrame;
    if (last.event === event && last.subject === subject && last.actor === actor && last.time === time) return last.text;
    const text = `${JSON.stringify({ event, time, subject, actor }).slice(1, -1)},"data":`;
    this.#lastFrame = { event, subject, actor, time, text };
    return text;
  }

  readAfter(seq: number, limit: number, charsMax = Number.POSITIVE_INFINITY): StoredEvent[] {
    const events: StoredEvent[] = [];
    let chars = 0;
    if (seq >= this.#head) return events;
    for (const row of this.#after.iterate(seq, this.#head, limit)) {
      events.push(this.#event(row));
      chars += row.body.length;
      if (chars >= charsMax) break;
    }
    return events;
  }

  readBefore(seq: number, limit: number): StoredEvent[] {
    return this.#before
      .all(Math.min(seq, this.#head + 1), limit)
      .reverse()
      .map((row) => this.#event(row));
  }

  get(seq: number): StoredEvent | undefined {
    const row = seq <= this.#head ? this.#get.get(seq) : undefined;
    return row ? this.#event(row) : undefined;
  }

  head(): number {
    return this.#head;
  }

  oldest(): number {
    return this.#oldest;
  }

  seqBefore(ms: number): number {
    let low = this.#oldest;
    let high = this.#head + 1;
    while (low < high) {
      const row = this.#firstFrom.get(Math.floor((low + high) / 2));
      if (!row || row.at >= ms) high = Math.floor((low + high) / 2);
      else low = row.seq + 1;
    }
    return low - 1;
  }

  locate(cursor: Cursor): Position {
    const from = formatCursor(cursor.seq, cursor.epoch ?? this.epoch);
    const gap = (seq: number, reason: GapReason): Position => ({
      seq,
      gap: { from, to: this.idOf(seq), reason },
    });
    const beforeOldest = this.#oldest - 1;
    if (cursor.epoch !== undefined && cursor.epoch !== this.epoch) {
      const index = this.#epochs.findIndex((one) => one.epoch === cursor.epoch);
      if (index < 0) return gap(beforeOldest, "other_epoch");
      // An earlier life of this very data: what it had before the next life began is here too.
      const sharedUntil = this.#epochs[index + 1]?.start_seq ?? this.#head;
      if (cursor.seq > sharedUntil) return gap(Math.max(sharedUntil, beforeOldest), "other_epoch");
    }
    if (cursor.seq > this.#head) return gap(this.#head, "ahead_of_log");
    if (cursor.seq < beforeOldest) return gap(beforeOldest, "expired");
    return { seq: cursor.seq };
  }

  idOf(seq: number): string {
    const current = this.#epochs.at(-1);
    if (current && seq > current.start_seq) return formatCursor(seq, current.epoch);
    const epoch = this.#epochs.findLast((one) => one.start_seq < seq)?.epoch ?? this.#epochs[0]?.epoch ?? this.epoch;
    return formatCursor(seq, epoch);
  }

  prune(_tx: Tx, seq: number, limit: number): number {
    const upTo = Math.min(seq, this.#head, this.#oldest + limit - 1);
    if (upTo < this.#oldest) return 0;
    const removed = this.#delete.run(upTo).changes;
    this.#setPruned.run(upTo);
    // At once: the rows are gone from the commit on, before the disk has it. Should this fail, a reader is told of a gap that
    // the next attempt makes true.
    this.#oldest = upTo + 1;
    return removed;
  }

  onAppend(listener: (events: readonly StoredEvent[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Nothing is appended any more. Belongs right before the database is closed. */
  close(): void {
    closeEpochs(this.db.sqlite);
  }

  #event(row: Row): StoredEvent {
    return {
      seq: row.seq,
      id: this.idOf(row.seq),
      name: row.name,
      at: row.at,
      noteId: row.note_id,
      jobId: row.job_id,
      text: row.body,
      trace: row.trace_context ?? undefined,
    };
  }
}

/** Only what looks like an id takes part in the filters by note and job. */
function entityId(value: unknown): string | null {
  return typeof value === "string" && value.length <= 64 ? value : null;
}
