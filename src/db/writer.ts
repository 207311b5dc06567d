import type { Database } from "bun:sqlite";
import { MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { isStorageFailure, storageError } from "./storage-error.ts";

/** Shows that the code runs inside a write transaction, and lets it speak of what was committed. */
export interface Tx {
  /** Runs `tell` right after the commit, in the order of the calls; never if the change fails. `tell` must not throw. */
  afterCommit(tell: () => void): void;
}

/** A transaction is synchronous: a change that awaited would leave its rows behind when it threw. */
type Sync<T> = T extends PromiseLike<unknown> ? never : T;
export type Change<T> = (tx: Tx) => Sync<T>;

interface Waiting {
  change: (tx: Tx) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/**
 * The one writer. Changes that arrive in the same turn of the event loop share one IMMEDIATE transaction and one fsync; each
 * has a savepoint of its own, so that a failing change takes back only itself. A promise of `write` resolves after the commit.
 */
export class Writer {
  #waiting: Waiting[] = [];
  #told: (() => void)[] = [];
  #scheduled: ReturnType<typeof setImmediate> | undefined;
  #closed = false;
  readonly #tx: Tx = { afterCommit: (tell) => this.#told.push(tell) };
  readonly #begin;
  readonly #savepoint;
  readonly #rollbackTo;
  readonly #release;
  readonly #commit;
  readonly #rollback;

  constructor(
    private readonly sqlite: Database,
    private readonly logger: Logger,
  ) {
    this.#begin = sqlite.query("BEGIN IMMEDIATE");
    this.#savepoint = sqlite.query("SAVEPOINT change");
    this.#rollbackTo = sqlite.query("ROLLBACK TO change");
    this.#release = sqlite.query("RELEASE change");
    this.#commit = sqlite.query("COMMIT");
    this.#rollback = sqlite.query("ROLLBACK");
  }

  /**
   * Runs `change` in the transaction of this turn and resolves with what it returned once that is durable.
   * Rejects with what `change` threw, or with `storage_full` / `storage_unavailable`; then nothing of it was stored.
   */
  write<T>(change: Change<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new MatricError("draining", "The server is shutting down."));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve: (value) => resolve(value as T), reject });
      this.#scheduled ??= setImmediate(() => this.#flush());
    });
  }

  /** Commits what waits and refuses everything that comes later. */
  stop(): void {
    this.#flush();
    this.#closed = true;
  }

  #flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    try {
      this.#begin.run();
    } catch (error) {
      this.#fail(group, error);
      return;
    }
    const answers: (() => void)[] = [];
    try {
      for (const one of group) answers.push(this.#apply(one));
      this.#commit.run();
    } catch (error) {
      this.#fail(group, error);
      return;
    }
    const told = this.#told;
    this.#told = [];
    for (const tell of told) tell();
    for (const answer of answers) answer();
  }

  #apply(one: Waiting): () => void {
    const before = this.#told.length;
    this.#savepoint.run();
    try {
      const value = one.change(this.#tx);
      this.#release.run();
      return () => one.resolve(value);
    } catch (error) {
      // A full disk or an I/O error ends the whole transaction in SQLite: there is no savepoint to go back to.
      if (isStorageFailure(error)) throw error;
      this.#rollbackTo.run();
      this.#release.run();
      this.#told.length = before;
      return () => one.reject(error);
    }
  }

  #fail(group: Waiting[], error: unknown): void {
    this.#told = [];
    if (this.sqlite.inTransaction) {
      try {
        this.#rollback.run();
      } catch (rollbackError) {
        this.logger.error("rollback failed", { error: String(rollbackError) });
      }
    }
    const failure = storageError(error, "The change could not be stored");
    this.logger.error("commit failed", { "error.code": failure.code, error: String(error), changes: group.length });
    for (const one of group) one.reject(failure);
  }
}
