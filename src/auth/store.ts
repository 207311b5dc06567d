import type { Db } from "../db/open.ts";

/** A row of `tokens`. Times are milliseconds since 1970; `scopes` is JSON text. */
export interface TokenRow {
  id: string;
  hash: string;
  name: string;
  scopes: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
}

/** The rows of tokens. What writes must run inside the writer's transaction. Prepared once. */
export class TokenStore {
  readonly #insert;
  readonly #all;
  readonly #alive;
  readonly #key;
  readonly #setKey;
  readonly #revoke;
  readonly #use;
  readonly #forget;

  constructor({ sqlite }: Db) {
    this.#insert = sqlite.query("INSERT INTO tokens (id, hash, name, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)");
    this.#all = sqlite.query<TokenRow, []>("SELECT * FROM tokens ORDER BY id");
    this.#alive = sqlite.query<{ count: number }, [number]>(
      "SELECT count(*) AS count FROM tokens WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)",
    );
    this.#key = sqlite.query<{ key: Uint8Array }, []>("SELECT key FROM token_key WHERE id = 1");
    this.#setKey = sqlite.query("INSERT INTO token_key (id, key) VALUES (1, ?)");
    this.#revoke = sqlite.query("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL");
    this.#use = sqlite.query("UPDATE tokens SET last_used_at = ? WHERE id = ?");
    this.#forget = sqlite.query("DELETE FROM tokens WHERE id = ?");
  }

  all(): TokenRow[] {
    return this.#all.all();
  }

  /** How many are neither revoked nor expired. */
  countAlive(now: number): number {
    return this.#alive.get(now)?.count ?? 0;
  }

  key(): Uint8Array | undefined {
    return this.#key.get()?.key;
  }

  setKey(key: Uint8Array): void {
    this.#setKey.run(key);
  }

  insert({ id, hash, name, scopes, created_at, expires_at }: TokenRow): void {
    this.#insert.run(id, hash, name, scopes, created_at, expires_at);
  }

  revoke(id: string, at: number): void {
    this.#revoke.run(at, id);
  }

  use(id: string, at: number): void {
    this.#use.run(at, id);
  }

  forget(id: string): void {
    this.#forget.run(id);
  }
}
