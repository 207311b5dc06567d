import type { Db } from "../db/open.ts";
import type { Attempt, DeliveryStatus } from "./contract.ts";

/** A row of `deliveries`. Times are milliseconds since 1970. */
export interface DeliveryRow {
  row_id: number;
  id: string;
  webhook_id: string;
  seq: number;
  event_id: string;
  event: string;
  status: DeliveryStatus;
  attempts: number;
  round_attempts: number;
  is_lenient: number;
  next_attempt_at: number | null;
  last_status: number | null;
  last_error_code: string | null;
  created_at: number;
  finished_at: number | null;
}

/** What an attempt changes. */
export type DeliveryState = Omit<DeliveryRow, "id" | "webhook_id" | "seq" | "event_id" | "event" | "created_at">;

export interface NewDelivery {
  webhookId: string;
  seq: number;
  eventId: string;
  event: string;
  isLenient: boolean;
  /** Null when it is held. */
  nextAttemptAt: number | null;
}

/** An attempt as it is stored: its number follows from the delivery. */
export interface AttemptRow {
  at: number;
  status: number | null;
  errorCode: string | null;
  error: string | null;
  durations: Attempt["duration_ms"];
  requestHeaders: Record<string, string>;
  responseHeaders: Record<string, string> | null;
  responseBody: string | null;
}

interface StoredAttempt {
  number: number;
  at: number;
  status: number | null;
  error_code: string | null;
  error: string | null;
  durations: string;
  request_headers: string;
  response_headers: string | null;
  response_body: string | null;
}

const attemptColumns = "number, at, status, error_code, error, durations, request_headers, response_headers, response_body";

/** The rows of deliveries and their attempts. What writes must run inside the writer's transaction. Prepared once. */
export class DeliveryStore {
  /**
   * Newest row given out, committed or not. None is given out twice, as SQLite would do when the newest are removed: an attempt that
   * is still under way must not meet another delivery in its row.
   */
  #given: number;
  readonly #insert;
  readonly #save;
  readonly #get;
  readonly #find;
  readonly #due;
  readonly #oldestPending;
  readonly #countPending;
  readonly #countAllPending;
  readonly #hold;
  readonly #release;
  readonly #reviveExhausted;
  readonly #countExhausted;
  readonly #page;
  readonly #pageOf;
  readonly #addAttempt;
  readonly #attempts;
  readonly #removePending;
  readonly #remove;

  constructor({ sqlite }: Db) {
    this.#given = sqlite.query<{ newest: number | null }, []>("SELECT max(row_id) AS newest FROM deliveries").get()?.newest ?? 0;
    this.#insert = sqlite.query(
      `INSERT INTO deliveries (row_id, id, webhook_id, seq, event_id, event, status, is_lenient, next_attempt_at, created_at)
       VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)`,
    );
    this.#save = sqlite.query(
      `UPDATE deliveries SET status = ?, attempts = ?, round_attempts = ?, is_lenient = ?, next_attempt_at = ?, last_status = ?,
         last_error_code = ?, finished_at = ? WHERE row_id = ?`,
    );
    this.#get = sqlite.query<DeliveryRow, [number]>("SELECT * FROM deliveries WHERE row_id = ?");
    this.#find = sqlite.query<DeliveryRow, [string, string]>("SELECT * FROM deliveries WHERE id = ? AND webhook_id = ?");
    const isPending = "webhook_id = ? AND status = 'pending'";
    this.#due = sqlite.query<DeliveryRow, [string]>(
      `SELECT * FROM deliveries WHERE ${isPending} AND next_attempt_at IS NOT NULL ORDER BY row_id`,
    );
    this.#oldestPending = sqlite.query<DeliveryRow, [string]>(
      `SELECT * FROM deliveries WHERE ${isPending} ORDER BY row_id LIMIT 1`,
    );
    this.#countPending = sqlite.query<{ count: number }, [string]>(`SELECT count(*) AS count FROM deliveries WHERE ${isPending}`);
    this.#countAllPending = sqlite.query<{ count: number }, []>(
      "SELECT count(*) AS count FROM deliveries INDEXED BY deliveries_pending WHERE status = 'pending'",
    );
    this.#hold = sqlite.query(`UPDATE deliveries SET next_attempt_at = NULL WHERE ${isPending}`);
    this.#release = sqlite.query(
      `UPDATE deliveries SET next_attempt_at = ?, round_attempts = 0 WHERE ${isPending} AND next_attempt_at IS NULL`,
    );
    const isExhausted = "webhook_id = ?1 AND status = 'exhausted' AND seq > ?2 AND seq <= ?3";
    this.#reviveExhausted = sqlite.query(
      `UPDATE deliveries SET status = 'pending', round_attempts = 0, next_attempt_at = ?4, finished_at = NULL WHERE ${isExhausted}`,
    );
    this.#countExhausted = sqlite.query<{ count: number }, [string, number, number]>(
      `SELECT count(*) AS count FROM deliveries WHERE ${isExhausted}`,
    );
    this.#page = sqlite.query<DeliveryRow, [string, number, number]>(
      "SELECT * FROM deliveries WHERE webhook_id = ? AND row_id < ? ORDER BY row_id DESC LIMIT ?",
    );
    this.#pageOf = {
      pending: pageOf("pending"),
      delivered: pageOf("delivered"),
      exhausted: pageOf("exhausted"),
    };
    this.#addAttempt = sqlite.query(
      `INSERT INTO delivery_attempts (delivery, ${attemptColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#attempts = sqlite.query<StoredAttempt, [number]>(
      `SELECT ${attemptColumns} FROM delivery_attempts WHERE delivery = ? ORDER BY number`,
    );
    this.#removePending = sqlite.query("DELETE FROM deliveries WHERE webhook_id = ? AND status = 'pending'");
    this.#remove = sqlite.query("DELETE FROM deliveries WHERE row_id = ?");

    // The literal status lets SQLite use the partial indexes.
    function pageOf(status: DeliveryStatus) {
      return sqlite.query<DeliveryRow, [string, number, number]>(
        `SELECT * FROM deliveries WHERE webhook_id = ? AND status = '${status}' AND row_id < ? ORDER BY row_id DESC LIMIT ?`,
      );
    }
  }

  insert({ webhookId, seq, eventId, event, isLenient, nextAttemptAt }: NewDelivery, now: number): DeliveryRow {
    const id = Bun.randomUUIDv7();
    const is_lenient = isLenient ? 1 : 0;
    const row_id = ++this.#given;
    this.#insert.run(row_id, id, webhookId, seq, eventId, event, is_lenient, nextAttemptAt, now);
    return {
      row_id,
      id,
      webhook_id: webhookId,
      seq,
      event_id: eventId,
      event,
      status: "pending",
      attempts: 0,
      round_attempts: 0,
      is_lenient,
      next_attempt_at: nextAttemptAt,
      last_status: null,
      last_error_code: null,
      created_at: now,
      finished_at: null,
    };
  }

  save(row: DeliveryState): void {
    const { status, attempts, round_attempts, is_lenient, next_attempt_at, last_status, last_error_code, finished_at } = row;
    this.#save.run(
      status,
      attempts,
      round_attempts,
      is_lenient,
      next_attempt_at,
      last_status,
      last_error_code,
      finished_at,
      row.row_id,
    );
  }

  get(rowId: number): DeliveryRow | undefined {
    return this.#get.get(rowId) ?? undefined;
  }

  find(id: string, webhookId: string): DeliveryRow | undefined {
    return this.#find.get(id, webhookId) ?? undefined;
  }

  /** What is to be sent now or later, in order. */
  due(webhookId: string): DeliveryRow[] {
    return this.#due.all(webhookId);
  }

  oldestPending(webhookId: string): DeliveryRow | undefined {
    return this.#oldestPending.get(webhookId) ?? undefined;
  }

  countPending(webhookId: string): number {
    return this.#countPending.get(webhookId)?.count ?? 0;
  }

  /** Of all webhooks. */
  countAllPending(): number {
    return this.#countAllPending.get()?.count ?? 0;
  }

  /** Nothing of this webhook is sent until `release`. */
  hold(webhookId: string): void {
    this.#hold.run(webhookId);
  }

  /** What was held is to be sent now, with a schedule that begins anew. */
  release(webhookId: string, now: number): void {
    this.#release.run(now, webhookId);
  }

  /** What was given up, of events after `after` up to `upTo`, is to be sent again with a new schedule. Returns how many. */
  reviveExhausted(webhookId: string, after: number, upTo: number, nextAttemptAt: number | null): number {
    return this.#reviveExhausted.run(webhookId, after, upTo, nextAttemptAt).changes;
  }

  countExhausted(webhookId: string, after: number, upTo: number): number {
    return this.#countExhausted.get(webhookId, after, upTo)?.count ?? 0;
  }

  /** At most `limit` deliveries before the one in this row, the newest first. */
  page(webhookId: string, status: DeliveryStatus | undefined, beforeRowId: number, limit: number): DeliveryRow[] {
    const query = status === undefined ? this.#page : this.#pageOf[status];
    return query.all(webhookId, beforeRowId, limit);
  }

  addAttempt(
    rowId: number,
    number: number,
    sent: Omit<AttemptRow, "requestHeaders">,
    requestHeaders: Record<string, string>,
  ): void {
    const { at, status, errorCode, error, durations, responseHeaders, responseBody } = sent;
    const headers = responseHeaders === null ? null : JSON.stringify(responseHeaders);
    this.#addAttempt.run(
      rowId,
      number,
      at,
      status,
      errorCode,
      error,
      JSON.stringify(durations),
      JSON.stringify(requestHeaders),
      headers,
      responseBody,
    );
  }

  /** The first one first. */
  attempts(rowId: number): (AttemptRow & { number: number })[] {
    return this.#attempts.all(rowId).map((one) => ({
      number: one.number,
      at: one.at,
      status: one.status,
      errorCode: one.error_code,
      error: one.error,
      durations: JSON.parse(one.durations),
      requestHeaders: JSON.parse(one.request_headers),
      responseHeaders: one.response_headers === null ? null : JSON.parse(one.response_headers),
      responseBody: one.response_body,
    }));
  }

  removePending(webhookId: string): void {
    this.#removePending.run(webhookId);
  }

  remove(rowId: number): void {
    this.#remove.run(rowId);
  }
}
