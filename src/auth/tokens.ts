import { type Clock, timestamp } from "../clock.ts";
import type { Db } from "../db/open.ts";
import type { Tx, Writer } from "../db/writer.ts";
import { invalid, MatricError, notFound } from "../errors.ts";
import { idCursor } from "../id-cursor.ts";
import type { Logger } from "../logger.ts";
import type { CreatedToken, CreateToken, Token, TokenPage } from "./contract.ts";
import { createPrincipal, type Principal } from "./principal.ts";
import { createKey, createSecret, hashOf, isSameHash } from "./secret.ts";
import { type TokenRow, TokenStore } from "./store.ts";

export interface TokensOptions {
  db: Db;
  writer: Writer;
  clock: Clock;
  logger: Logger;
  /** Tokens that are neither expired nor revoked. */
  max: number;
  /** Runs inside the transaction that revokes a token. */
  onRevoke?: (tx: Tx, tokenId: string) => void;
}

interface Known {
  row: TokenRow;
  principal: Principal;
  /** When `last_used_at` was last sent to the database. */
  usedAtMs: number;
}

/** `last_used_at` is written at most this often: reading must not cost a write each time. */
const useEveryMs = 60_000;
/** Expired and revoked tokens that are still listed. */
const endedMax = 1000;
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;

/** Access tokens. All of them are held in memory: a request must not wait for the database to be recognised. */
export class Tokens {
  readonly #options: TokensOptions;
  readonly #store: TokenStore;
  readonly #key: Uint8Array;
  readonly #byHash = new Map<string, Known>();
  readonly #byId = new Map<string, Known>();
  readonly #listeners: ((tokenId: string) => void)[] = [];

  constructor(options: TokensOptions) {
    this.#options = options;
    this.#store = new TokenStore(options.db);
    const stored = this.#store.key();
    this.#key = stored ?? createKey();
    if (!stored) this.#store.setKey(this.#key);
    for (const row of this.#store.all()) this.#know(row);
  }

  /** Whether there has never been one. */
  isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  /** Who bears this token. Throws `unauthorized` that tells whether it is unknown, expired or revoked. */
  verify(secret: string): Principal {
    const hash = hashOf(secret, this.#key);
    // What the time of this tells is about the hash, which nobody outside can compute.
    const known = this.#byHash.get(hash);
    if (!known || !isSameHash(known.row.hash, hash)) throw refused("is not known here");
    this.#checkAlive(known.row);
    this.#use(known);
    return known.principal;
  }

  /** Throws `unauthorized` when the token behind a principal has ended; others have no end of this kind. */
  check({ id }: Principal): void {
    const known = id === null ? undefined : this.#byId.get(id);
    if (known) this.#checkAlive(known.row);
  }

  /** Whether there was a token with this id that was ended. */
  isRevoked(id: string): boolean {
    const revokedAt = this.#byId.get(id)?.row.revoked_at;
    return revokedAt !== undefined && revokedAt !== null;
  }

  /** Rejects with `invalid`, or `rate_limited` when there are too many. */
  async create({ name, scopes, expires_at }: CreateToken): Promise<CreatedToken> {
    const { writer, clock, max } = this.#options;
    const now = clock.now();
    const expiresAtMs = expires_at === undefined ? null : expiryOf(expires_at, now);
    if (name.trim() === "" || /\p{Cc}/u.test(name)) throw invalid("name", "name must hold letters, and no control characters.");
    const token = createSecret();
    const row: TokenRow = {
      id: Bun.randomUUIDv7(),
      hash: hashOf(token, this.#key),
      name: name.trim(),
      scopes: JSON.stringify([...new Set(scopes)].sort()),
      created_at: now,
      expires_at: expiresAtMs,
      last_used_at: null,
      revoked_at: null,
    };
    const old = this.#tooOld(now);
    await writer.write((tx) => {
      // In the transaction, where those count that are being made in the same moment.
      if (this.#store.countAlive(now) >= max) {
        const message = `There are ${max} tokens, more are not made; revoke one first.`;
        throw new MatricError("rate_limited", message, { retry_after_seconds: 60, limit: "tokens" });
      }
      this.#store.insert(row);
      for (const { id } of old) this.#store.forget(id);
      tx.afterCommit(() => {
        for (const ended of old) this.#forget(ended);
        this.#know(row);
      });
    });
    return { ...wire(row, now), token };
  }

  /** The oldest first. Throws `invalid` for a cursor that is none. */
  list({ limit, cursor }: { limit: number; cursor?: string | undefined }): TokenPage {
    const after = cursor === undefined ? "" : idCursor(cursor);
    const now = this.#options.clock.now();
    const rows = [...this.#byId.values()].map(({ row }) => row).filter(({ id }) => id > after);
    const items = rows.slice(0, limit).map((row) => wire(row, now));
    return { items, next_cursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** Ends a token at once, and what is open in its name. Revoking it again changes nothing. Rejects with `not_found`. */
  async revoke(id: string): Promise<void> {
    const { writer, clock, onRevoke } = this.#options;
    const known = this.#byId.get(id);
    if (!known) throw notFound("token", id);
    if (known.row.revoked_at !== null) return;
    const now = clock.now();
    await writer.write((tx) => {
      this.#store.revoke(id, now);
      onRevoke?.(tx, id);
      tx.afterCommit(() => {
        known.row.revoked_at = now;
        for (const listener of this.#listeners) listener(id);
      });
    });
  }

  /** Hears of every token that is revoked, right after the commit. Must not throw. */
  onRevoked(listener: (tokenId: string) => void): void {
    this.#listeners.push(listener);
  }

  #checkAlive({ expires_at, revoked_at }: TokenRow): void {
    if (revoked_at !== null) throw refused("was revoked");
    if (expires_at !== null && expires_at <= this.#options.clock.now()) throw refused("has expired");
  }

  #know(row: TokenRow): void {
    const principal = createPrincipal(row.id, JSON.parse(row.scopes), row.expires_at);
    const known = { row, principal, usedAtMs: row.last_used_at ?? Number.NEGATIVE_INFINITY };
    this.#byHash.set(row.hash, known);
    this.#byId.set(row.id, known);
  }

  #forget({ id, hash }: TokenRow): void {
    this.#byHash.delete(hash);
    this.#byId.delete(id);
  }

  #use(known: Known): void {
    const { writer, clock, logger } = this.#options;
    const now = clock.now();
    if (Math.abs(now - known.usedAtMs) < useEveryMs) return;
    known.usedAtMs = now;
    known.row.last_used_at = now;
    writer
      .write(() => this.#store.use(known.row.id, now))
      .catch((error) => {
        logger.debug("the last use of a token was not stored", { error: String(error) });
      });
  }

  /** Those that ended, past `endedMax`, the oldest first. */
  #tooOld(now: number): TokenRow[] {
    const ended = [...this.#byId.values()].map(({ row }) => row).filter((row) => statusOf(row, now) !== "active");
    return ended.slice(0, Math.max(0, ended.length - endedMax));
  }
}

function refused(what: string): MatricError {
  return new MatricError("unauthorized", `The access token ${what}.`);
}

function expiryOf(text: string, now: number): number {
  const at = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw invalid("expires_at", "expires_at must be a time like 2026-02-05T10:30:45Z.");
  if (at <= now) throw invalid("expires_at", "expires_at must be in the future.");
  return at;
}

function statusOf({ expires_at, revoked_at }: TokenRow, now: number): Token["status"] {
  if (revoked_at !== null) return "revoked";
  return expires_at !== null && expires_at <= now ? "expired" : "active";
}

function wire(row: TokenRow, now: number): Token {
  const time = (ms: number | null) => (ms === null ? null : timestamp(ms));
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes),
    status: statusOf(row, now),
    created_at: timestamp(row.created_at),
    expires_at: time(row.expires_at),
    last_used_at: time(row.last_used_at),
    revoked_at: time(row.revoked_at),
  };
}
