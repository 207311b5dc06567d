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
  sinceMs: number;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

const syncsMax = 2;
/** With many clients it is the commits and syncs that cost, and a group of two turns costs hardly more than one of one. */
const gatherMsMax = 1;

/** A group whose transaction is committed. */
interface Committed {
  told: (() => void)[];
  answers: ((failure: MatricError | undefined) => void)[];
}

/** A sync that is under way. */
interface SyncRun {
  /** The newest group that it covers. */
  upTo: Committed;
  isDone: boolean;
}

/**
 * The one writer. Changes that arrive in the same turn of the event loop, or in turns that follow each other closely, share one
 * IMMEDIATE transaction; each has a savepoint of its own, so that a failing change takes back only itself. Groups that commit
 * while the disk is busy share one sync, which runs in another thread: the event loop never waits for the disk. Nobody hears of
 * a change before the disk holds it.
 */
export class Writer {
  #waiting: Waiting[] = [];
  #told: (() => void)[] = [];
  #committed: Committed[] = [];
  /** The syncs under way, the oldest first. */
  #syncs: SyncRun[] = [];
  /** A sync failed: what the log file holds may never reach the disk. */
  #isSuspect = false;
  #scheduled: ReturnType<typeof setImmediate> | undefined;
  /** Clients that have asked for something so far: it only matters whether more came. */
  #arrived = 0;
  #closed = false;
  readonly #tx: Tx = { afterCommit: (tell) => this.#told.push(tell) };
  readonly #begin;
  readonly #savepoint;
  readonly #rollbackTo;
  readonly #release;
  readonly #commit;
  readonly #rollback;
  readonly #checkpoint;

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
    this.#checkpoint = sqlite.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /**
   * Runs `change` in the transaction of this turn and resolves with what it returned once that is durable.
   * Rejects with what `change` threw, or with `storage_full` / `storage_unavailable`; then nothing of it was stored.
   */
  write<T>(change: Change<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new MatricError("draining", "The server is shutting down."));
    return new Promise((resolve, reject) => {
      const sinceMs = performance.now();
      this.#waiting.push({ change, sinceMs, resolve: (value) => resolve(value as T), reject });
      this.#arrived++;
      if (this.#scheduled === undefined) this.#gather(sinceMs + gatherMsMax);
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

  /** Another client waits for a change that waits already. To be called in the place of `write`. */
  joined(): void {
    this.#arrived++;
  }

  /** One that comes alone is committed at the end of its turn; while every turn brings more, they gather. */
  #gather(untilMs: number): void {
    const seen = this.#arrived;
    this.#scheduled = setImmediate(() => {
      if (this.#arrived > seen && performance.now() < untilMs) this.#gather(untilMs);
      else this.#flush();
    });
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
      if (this.#isSuspect) this.#rewrite();
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
      return (failure) => (failure ? this.#reject(one, failure) : this.#resolve(one, value));
    } catch (error) {
      // A full disk or an I/O error ends the whole transaction in SQLite: there is no savepoint to go back to.
      if (isStorageFailure(error)) throw error;
      this.#rollbackTo.run();
      this.#release.run();
      this.#told.length = before;
      return () => this.#reject(one, error);
    }
  }

  /** A second sync may begin while the first is under way: those who came in between need not wait for both. */
  #sync(): void {
    const { diskSync } = this.db;
    if (!diskSync) {
      this.#announce(this.#committed.splice(0), null);
      return;
    }
    const upTo = this.#committed.at(-1);
    if (!upTo || upTo === this.#syncs.at(-1)?.upTo || this.#syncs.length === syncsMax) return;
    const sync: SyncRun = { upTo, isDone: false };
    this.#syncs.push(sync);
    diskSync.start((error) => {
      if (error) this.#distrust(sync, error);
      else this.#finish(sync);
      this.#sync();
    });
    this.waits();
  }

  /** The disk is at work, and with it most of those who ask: a good moment for what nobody waits for. Must not throw. */
  protected waits(): void {}

  /** A change is durable, or has failed with `error`, after so long. Must not throw. */
  protected settled(_waitedMs: number, _error: unknown): void {}

  /** In the order in which they began: the system tells of a failed write once, and it may be the earlier sync that hears of it. */
  #finish(sync: SyncRun): void {
    sync.isDone = true;
    for (let first = this.#syncs[0]; first?.isDone; first = this.#syncs[0]) {
      this.#syncs.shift();
      this.#announce(this.#committed.splice(0, this.#committed.indexOf(first.upTo) + 1), null);
    }
  }

  /** Whatever is in the log file after the part that failed is lost with it, even if its own sync succeeds. */
  #distrust(sync: SyncRun, error: unknown): void {
    this.#isSuspect = true;
    this.#syncs = this.#syncs.filter((other) => other !== sync);
    this.#announce(this.#committed.splice(0), error);
  }

  /** Brings all that was committed into the database file, and begins a new log file. */
  #rewrite(): void {
    const { busy } = this.#checkpoint.get() ?? { busy: 1 };
    if (busy !== 0) throw new Error("another process reads the database, so that its log file cannot be written anew");
    this.#isSuspect = false;
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
    for (const one of group) this.#reject(one, failure);
  }

  #resolve(one: Waiting, value: unknown): void {
    this.settled(performance.now() - one.sinceMs, undefined);
    one.resolve(value);
  }

  #reject(one: Waiting, error: unknown): void {
    this.settled(performance.now() - one.sinceMs, error);
    one.reject(error);
  }

  #storageFailure(error: unknown, changes: number): MatricError {
    const failure = storageError(error, "The change could not be stored");
    this.logger.error("commit failed", { "error.code": failure.code, error: String(error), changes });
    return failure;
  }
}
