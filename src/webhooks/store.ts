import type { Db } from "../db/open.ts";
import type { Format } from "./content.ts";
import type { WebhookStatus } from "./contract.ts";

/** A row of `webhooks`. Times are milliseconds since 1970; `events`, `topics` and `headers` are JSON text, the others numbers. */
export interface WebhookRow {
  id: string;
  url: string;
  description: string;
  events: string;
  topics: string;
  headers: string;
  format: Format;
  ordered: number;
  max_concurrency: number;
  rate_limit_per_second: number | null;
  status: WebhookStatus;
  reason: "exhausted" | "gone" | "requested" | "revoked" | null;
  status_at: number;
  cursor_seq: number;
  failed_delivery_id: string | null;
  probes: number;
  probe_at: number | null;
  created_at: number;
  updated_at: number;
  /** The token that made it. */
  token_id: string | null;
  /** Families of events that its maker may not read: JSON text. */
  hidden: string;
}

/** What changes with its deliveries, as against what users configure. */
export type WebhookState = Pick<WebhookRow, "status" | "reason" | "status_at" | "failed_delivery_id" | "probes" | "probe_at">;

export interface SecretRow {
  secret: string;
  /** Null for the newest one. */
  expires_at: number | null;
}

export interface ReplayRow {
  id: number;
  webhook_id: string;
  cursor_seq: number;
  until_seq: number;
}

const configured = [
  "url",
  "description",
  "events",
  "topics",
  "headers",
  "format",
  "ordered",
  "max_concurrency",
  "rate_limit_per_second",
  "updated_at",
  "token_id",
  "hidden",
] as const;
const state = ["status", "reason", "status_at", "failed_delivery_id", "probes", "probe_at"] as const;
const fixed = ["id", "cursor_seq", "created_at"] as const;

/** Secrets that sign at once; each makes the header longer. */
const secretsMax = 5;

/** The rows of webhooks, their secrets and replays. What writes must run inside the writer's transaction. Prepared once. */
export class WebhookStore {
  readonly #insert;
  readonly #configure;
  readonly #saveState;
  readonly #moveCursor;
  readonly #find;
  readonly #status;
  readonly #all;
  readonly #ofToken;
  readonly #page;
  readonly #count;
  readonly #remove;
  readonly #needed;
  readonly #secrets;
  readonly #addSecret;
  readonly #expireSecrets;
  readonly #dropSecrets;
  readonly #replays;
  readonly #addReplay;
  readonly #moveReplay;
  readonly #removeReplay;

  constructor({ sqlite }: Db) {
    const columns = [...fixed, ...configured, ...state];
    const assign = (names: readonly string[]) => names.map((name) => `${name} = ?`).join(", ");
    this.#insert = sqlite.query(`INSERT INTO webhooks (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`);
    this.#configure = sqlite.query(`UPDATE webhooks SET ${assign(configured)} WHERE id = ?`);
    this.#saveState = sqlite.query(`UPDATE webhooks SET ${assign(state)} WHERE id = ?`);
    this.#moveCursor = sqlite.query("UPDATE webhooks SET cursor_seq = ? WHERE id = ? AND cursor_seq = ?");
    this.#find = sqlite.query<WebhookRow, [string]>("SELECT * FROM webhooks WHERE id = ?");
    this.#status = sqlite.query<{ status: WebhookStatus }, [string]>("SELECT status FROM webhooks WHERE id = ?");
    this.#all = sqlite.query<WebhookRow, []>("SELECT * FROM webhooks ORDER BY id");
    this.#ofToken = sqlite.query<WebhookRow, [string]>("SELECT * FROM webhooks WHERE token_id = ?");
    this.#page = sqlite.query<WebhookRow, [string, number]>("SELECT * FROM webhooks WHERE id > ? ORDER BY id LIMIT ?");
    this.#count = sqlite.query<{ count: number }, []>("SELECT count(*) AS count FROM webhooks");
    this.#remove = sqlite.query("DELETE FROM webhooks WHERE id = ?");
    this.#needed = sqlite.query<{ seq: number | null }, []>(
      `SELECT min(seq) AS seq FROM (
         SELECT min(cursor_seq) + 1 AS seq FROM webhooks WHERE status <> 'disabled'
         UNION ALL SELECT min(r.cursor_seq) + 1 FROM webhook_replays r JOIN webhooks w ON w.id = r.webhook_id WHERE w.status <> 'disabled'
         UNION ALL SELECT min(d.seq) FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.status = 'pending' AND w.status <> 'disabled'
         UNION ALL SELECT min(d.seq) FROM webhooks w JOIN deliveries d ON d.id = w.failed_delivery_id WHERE w.status <> 'disabled')`,
    );
    this.#secrets = sqlite.query<SecretRow, [string]>(
      "SELECT secret, expires_at FROM webhook_secrets WHERE webhook_id = ? ORDER BY position DESC",
    );
    this.#addSecret = sqlite.query(
      `INSERT INTO webhook_secrets (webhook_id, position, secret)
       VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM webhook_secrets WHERE webhook_id = ?1), ?2)`,
    );
    this.#expireSecrets = sqlite.query(
      "UPDATE webhook_secrets SET expires_at = min(coalesce(expires_at, ?2), ?2) WHERE webhook_id = ?1",
    );
    this.#dropSecrets = sqlite.query(
      `DELETE FROM webhook_secrets WHERE webhook_id = ?1 AND (expires_at <= ?2
         OR position <= (SELECT max(position) FROM webhook_secrets WHERE webhook_id = ?1) - ${secretsMax - 1})`,
    );
    this.#replays = sqlite.query<ReplayRow, [string]>("SELECT * FROM webhook_replays WHERE webhook_id = ? ORDER BY id");
    this.#addReplay = sqlite.query("INSERT INTO webhook_replays (webhook_id, cursor_seq, until_seq) VALUES (?, ?, ?)");
    this.#moveReplay = sqlite.query("UPDATE webhook_replays SET cursor_seq = ? WHERE id = ? AND cursor_seq = ?");
    this.#removeReplay = sqlite.query("DELETE FROM webhook_replays WHERE id = ? AND cursor_seq = ?");
  }

  insert(row: WebhookRow): void {
    const columns = [...fixed, ...configured, ...state] as const;
    this.#insert.run(...columns.map((column) => row[column]));
  }

  /** Stores what users can change. */
  configure(row: WebhookRow): void {
    this.#configure.run(...configured.map((column) => row[column]), row.id);
  }

  saveState(id: string, row: WebhookState): void {
    this.#saveState.run(...state.map((column) => row[column]), id);
  }

  /** False when the cursor is not where the caller believes, or the webhook is gone: then nothing was changed. */
  moveCursor(id: string, from: number, to: number): boolean {
    return this.#moveCursor.run(to, id, from).changes === 1;
  }

  find(id: string): WebhookRow | undefined {
    return this.#find.get(id) ?? undefined;
  }

  status(id: string): WebhookStatus | undefined {
    return this.#status.get(id)?.status;
  }

  all(): WebhookRow[] {
    return this.#all.all();
  }

  /** Those that were made with this token. */
  ofToken(tokenId: string): WebhookRow[] {
    return this.#ofToken.all(tokenId);
  }

  /** At most `limit` webhooks after the one with this id, the oldest first. */
  page(afterId: string, limit: number): WebhookRow[] {
    return this.#page.all(afterId, limit);
  }

  count(): number {
    return this.#count.get()?.count ?? 0;
  }

  remove(id: string): void {
    this.#remove.run(id);
  }

  /** The first event of the log that some webhook still needs, unless it is disabled. Undefined when none is needed. */
  neededFrom(): number | undefined {
    return this.#needed.get()?.seq ?? undefined;
  }

  /** The newest first. */
  secrets(id: string): SecretRow[] {
    return this.#secrets.all(id);
  }

  /** Puts a new secret before those that are there; they end at `previousExpiresAt` at the latest. */
  addSecret(id: string, secret: string, now: number, previousExpiresAt: number): void {
    this.#expireSecrets.run(id, previousExpiresAt);
    this.#dropSecrets.run(id, now);
    this.#addSecret.run(id, secret);
  }

  replays(id: string): ReplayRow[] {
    return this.#replays.all(id);
  }

  addReplay(id: string, cursorSeq: number, untilSeq: number): void {
    this.#addReplay.run(id, cursorSeq, untilSeq);
  }

  /** Like `moveCursor`; a replay that has arrived is removed. */
  moveReplay(replay: ReplayRow, to: number): boolean {
    const moved =
      to >= replay.until_seq
        ? this.#removeReplay.run(replay.id, replay.cursor_seq)
        : this.#moveReplay.run(to, replay.id, replay.cursor_seq);
    return moved.changes === 1;
  }
}
