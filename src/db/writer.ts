import { MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Db } from "./open.ts";
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

const syncsMax = 2;

/** A group whose transaction is committed. */
interface Committed {
  told: (() => void)[];
  answers: ((failure: MatricError | undefined) => void)[];
}

/**
 * The one writer. Changes that arrive in the same turn of the event loop share one IMMEDIATE transaction; each has a savepoint
 * of its own, so that a failing change takes back only itself. Groups that commit while the disk is busy share one sync, which
 * runs in another thread: the event loop never waits for the disk. Nobody hears of a change before the disk holds it.
 */
export class Writer {
  #waiting: Waiting[] = [];
  #told: (() => void)[] = [];
  #committed: Committed[] = [];
  #syncs = 0;
  /** The newest group that a sync has begun for. */
  #syncing: Committed | undefined;
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
    private readonly db: Pick<Db, "sqlite" | "diskSync">,
    private readonly logger: Logger,
  ) {
    const { sqlite } = db;
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

  /** Commits what waits, to the disk, and refuses everything that comes later. */
  stop(): void {
    if (this.#closed) return;
    this.#commitWaiting();
    this.#closed = true;
    let failure: unknown;
    try {
      this.db.diskSync?.now();
    } catch (error) {
      failure = error;
    }
    this.#announce(this.#committed.splice(0), failure);
  }

  #flush(): void {
    this.#commitWaiting();
    this.#sync();
  }

  #commitWaiting(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    const answers: Committed["answers"] = [];
    try {
      this.#begin.run();
      for (const one of group) answers.push(this.#apply(one));
      this.#commit.run();
    } catch (error) {
      this.#fail(group, error);
      return;
    }
    this.#committed.push({ told: this.#told, answers });
    this.#told = [];
  }

  #apply(one: Waiting): Committed["answers"][number] {
    const before = this.#told.length;
    this.#savepoint.run();
    try {
      const value = one.change(this.#tx);
      this.#release.run();
      return (failure) => (failure ? one.reject(failure) : one.resolve(value));
    } catch (error) {
      // A full disk or an I/O error ends the whole transaction in SQLite: there is no savepoint to go back to.
      if (isStorageFailure(error)) throw error;
      this.#rollbackTo.run();
      this.#release.run();
      this.#told.length = before;
      return () => one.reject(error);
    }
  }

  /** A second sync may begin while the first is under way: those who came in between need not wait for both. */
  #sync(): void {
    const { diskSync } = this.db;
    if (!diskSync) {
      this.#announce(this.#committed.splice(0), null);
      return;
    }
    const newest = this.#committed.at(-1);
    if (!newest || newest === this.#syncing || this.#syncs === syncsMax) return;
    this.#syncs++;
    this.#syncing = newest;
    diskSync.start((error) => {
      this.#syncs--;
      // The disk then holds all that was committed before the sync began, also what an earlier sync still works at.
      this.#announce(this.#committed.splice(0, this.#committed.indexOf(newest) + 1), error);
      this.#sync();
    });
  }

  #announce(groups: readonly Committed[], error: unknown): void {
    const failure = error ? this.#storageFailure(error, groups.length) : undefined;
    // Even if the disk refused the sync: the change is in the database, so whoever reads the log will see it.
    for (const { told } of groups) for (const tell of told) tell();
    for (const { answers } of groups) for (const answer of answers) answer(failure);
  }

  #fail(group: readonly Waiting[], error: unknown): void {
    this.#told = [];
    if (this.db.sqlite.inTransaction) {
      try {
        this.#rollback.run();
      } catch (rollbackError) {
        this.logger.error("rollback failed", { error: String(rollbackError) });
      }
    }
    const failure = this.#storageFailure(error, group.length);
    for (const one of group) one.reject(failure);
  }

  #storageFailure(error: unknown, changes: number): MatricError {
    const failure = storageError(error, "The change could not be stored");
    this.logger.error("commit failed", { "error.code": failure.code, error: String(error), changes });
    return failure;
  }
}
