import { Database } from "bun:sqlite";
import {
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { MatricError } from "../errors.ts";
import { migrate } from "./migrate.ts";
import { incomingIn, lockDataDir, requireDatabase } from "./open.ts";
import { storageError } from "./storage-error.ts";

/**
 * Writes a consistent copy of the database in `dataDir` to `target`, which must not exist; a server may be running. The copy is
 * one file, compact and on the disk when this returns.
 */
export function backUp(dataDir: string, target: string): void {
  const source = join(dataDir, "matric.db");
  requireDatabase(dataDir);
  if (existsSync(target)) throw new MatricError("conflict", `${target} exists already; a backup overwrites nothing.`);
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  let db: Database | undefined;
  try {
    db = new Database(source, { readwrite: true, create: false });
    db.run("PRAGMA busy_timeout = 5000");
    requireRoom(db, target);
    db.query("VACUUM INTO ?").run(partial);
    markAsCopy(partial);
    sync(partial);
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error instanceof MatricError ? error : storageError(error, "The backup could not be written");
  } finally {
    db?.close();
  }
}

/** Refuses a copy that would fill the disk: on the server's own, changes would have to be refused until it is given up. */
function requireRoom(db: Database, target: string): void {
  const count = (pragma: string) => Object.values(db.query<Record<string, number>, []>(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0;
  const needed = (count("page_count") - count("freelist_count")) * count("page_size");
  const { bavail, bsize } = statfsSync(dirname(target));
  if (needed <= bavail * bsize) return;
  const [needs, free] = [needed, bavail * bsize].map((bytes) => (bytes / 1024 / 1024).toFixed(1));
  const message = `The backup could not be written: it needs ${needs} MB of the disk, and ${free} MB are free.`;
  throw new MatricError("storage_full", message);
}

/** Also who puts the copy in place by hand begins a new epoch: no start of any machine has this name. */
function markAsCopy(file: string): void {
  const copy = new Database(file, { readwrite: true, create: false });
  try {
    // What an older build made has no room for it.
    const column = copy.query("SELECT 1 FROM pragma_table_info('log_state') WHERE name = 'open_boot'").get();
    if (column) copy.run("UPDATE log_state SET open_boot = 'a copy'");
  } finally {
    copy.close();
  }
}

export interface Restored {
  /** Where the database that was there before lies now; undefined if there was none. */
  replaced: string | undefined;
}

/**
 * Puts a backup in the place of the database in `dataDir` and begins a new epoch, so that every cursor from the former life is
 * recognised. The database that was there is kept beside it. Throws `already_running` while a server uses the directory.
 */
export function restore(backup: string, dataDir: string, nowMs: number, createEpoch: () => string): Restored {
  if (!statSync(backup, { throwIfNoEntry: false })?.isFile()) throw new MatricError("not_found", `There is no file ${backup}.`);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = lockDataDir(dataDir);
  const incoming = incomingIn(dataDir);
  try {
    removeDatabase(incoming);
    copy(backup, incoming);
    prepare(incoming, backup, nowMs, createEpoch);
    sync(incoming);
    giveToOwner(dataDir, incoming, join(dataDir, "matric.lock"));
    const replaced = setAside(dataDir, nowMs);
    renameSync(incoming, join(dataDir, "matric.db"));
    return { replaced };
  } finally {
    removeDatabase(incoming);
    lock.close();
  }
}

/** Root may well do this for a service, whose own user has to be able to open the files. */
function giveToOwner(dataDir: string, ...files: string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  for (const file of files) chownSync(file, uid, gid);
}

function copy(backup: string, incoming: string): void {
  try {
    copyFileSync(backup, incoming);
  } catch (error) {
    throw storageError(error, `${backup} cannot be restored`);
  }
}

/** Checks that the copy is whole and ours, brings it up to date, and begins its new life. */
function prepare(file: string, backup: string, nowMs: number, createEpoch: () => string): void {
  let db: Database | undefined;
  try {
    db = new Database(file, { readwrite: true, create: false });
    const ours = db.query("SELECT 1 FROM sqlite_master WHERE name = 'log_state'").get();
    if (!ours) throw new MatricError("storage_unavailable", `${backup} is not a backup of matric.`);
    const check = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get()?.integrity_check;
    if (check !== "ok") throw new MatricError("storage_unavailable", `${backup} is damaged: ${check}.`);
    migrate(db);
    db.query(
      `INSERT INTO epochs (start_seq, epoch, started_at)
       SELECT max(coalesce((SELECT max(seq) FROM events), 0), pruned_seq), ?, ? FROM log_state`,
    ).run(createEpoch(), nowMs);
    // The epoch has begun already.
    db.run("UPDATE log_state SET open_boot = NULL");
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.run("PRAGMA journal_mode = DELETE");
  } catch (error) {
    throw error instanceof MatricError ? error : storageError(error, `${backup} cannot be restored`);
  } finally {
    db?.close();
  }
}

function setAside(dataDir: string, nowMs: number): string | undefined {
  const current = join(dataDir, "matric.db");
  if (!existsSync(current)) return undefined;
  const aside = `${current}.replaced-${new Date(nowMs).toISOString().replace(/[:.]/g, "-")}`;
  // What was not checkpointed yet belongs to the file that is set aside.
  for (const suffix of ["", "-wal", "-shm"]) if (existsSync(current + suffix)) renameSync(current + suffix, aside + suffix);
  return aside;
}

function removeDatabase(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
}

function sync(file: string): void {
  const fd = openSync(file, "r+");
  fsyncSync(fd);
  closeSync(fd);
}
