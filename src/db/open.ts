import { Database } from "bun:sqlite";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { invalid, MatricError } from "../errors.ts";
import { type DiskSync, FileSync } from "./disk-sync.ts";
import { migrate } from "./migrate.ts";
import { storageError } from "./storage-error.ts";
import { removeTemporaryCopies } from "./temporary-copy.ts";

export type Durability = "full" | "normal";

/** The open database: `sqlite` for hot prepared statements, `orm` for everything else. Both are the same connection. */
export interface Db {
  readonly sqlite: Database;
  readonly orm: BunSQLiteDatabase;
  /** Undefined with `normal` durability: then a commit need not reach the disk before it is answered. */
  readonly diskSync: DiskSync | undefined;
  /** Closes the file and gives the data directory free for another server. */
  close(): void;
}

/**
 * Opens (or creates) `matric.db` in `dataDir` and brings its schema up to date.
 * Throws `already_running` when another server holds the directory, `invalid` when it is none, `storage_unavailable` when the file
 * cannot be used.
 */
export function openDb(dataDir: string, durability: Durability): Db {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (isFileOnTheWay(cause))
      throw invalid("MATRIC_DATA_DIR", `The data directory ${dataDir} cannot be created: a file is there.`);
    throw new MatricError("storage_unavailable", `The data directory ${dataDir} cannot be created.`, {}, { cause });
  }
  const lock = lockDataDir(dataDir);
  let sqlite: Database | undefined;
  try {
    requireWhole(dataDir);
    sqlite = new Database(join(dataDir, "matric.db"), { create: true, readwrite: true });
    setUp(sqlite);
    migrate(sqlite);
    removeTemporaryCopies(dataDir);
    // Whoever waits for a foreign lock now keeps every client waiting.
    sqlite.run("PRAGMA busy_timeout = 250");
    const opened = sqlite;
    const diskSync = durability === "full" ? new FileSync(join(dataDir, "matric.db-wal")) : undefined;
    return {
      sqlite: opened,
      orm: drizzle(opened),
      diskSync,
      close() {
        opened.close();
        diskSync?.close();
        lock.close();
      },
    };
  } catch (error) {
    sqlite?.close();
    lock.close();
    throw error instanceof MatricError ? error : storageError(error, `The database in ${dataDir} cannot be used`);
  }
}

/** For who would not make a database: throws `invalid` when there is none in `dataDir`, which is then probably another one than was meant. */
export function requireDatabase(dataDir: string): void {
  requireWhole(dataDir);
  if (existsSync(join(dataDir, "matric.db"))) return;
  throw invalid("MATRIC_DATA_DIR", `There is no data in ${dataDir}: no server has run on that directory.`);
}

/** Where a restore prepares the database that is to take the place of the present one. */
export function incomingIn(dataDir: string): string {
  return join(dataDir, "matric.db.incoming");
}

/** A restore that died between its two last steps must not look like a directory that is new and empty. */
function requireWhole(dataDir: string): void {
  if (existsSync(join(dataDir, "matric.db")) || !existsSync(incomingIn(dataDir))) return;
  throw new MatricError("storage_unavailable", `A restore into ${dataDir} was interrupted. Run \`matric restore\` again.`);
}

function setUp(sqlite: Database): void {
  // Only a new file takes a page size; two rows per change fill 8 KiB pages with fewer writes than 4 KiB ones.
  sqlite.run("PRAGMA page_size = 8192");
  sqlite.run("PRAGMA busy_timeout = 5000");
  sqlite.run("PRAGMA journal_mode = WAL");
  // NORMAL syncs at checkpoints. What FULL adds, a sync of the WAL at each commit, the writer does in another thread.
  sqlite.run("PRAGMA synchronous = NORMAL");
  sqlite.run("PRAGMA foreign_keys = ON");
  sqlite.run("PRAGMA temp_store = MEMORY");
  // Memory that is never given back once the log has filled it; the system keeps the file's pages, too.
  sqlite.run("PRAGMA cache_size = -16384");
  // A WAL that once grew is cut back to this after its checkpoint.
  sqlite.run("PRAGMA journal_size_limit = 67108864");
}

/**
 * A second database file whose exclusive lock says that a server runs here: the system lets go of it when the process dies
 * in whatever way, and `matric.db` itself stays readable for other programs.
 */
export function lockDataDir(dataDir: string): Database {
  let lock: Database;
  try {
    lock = new Database(join(dataDir, "matric.lock"), { create: true, readwrite: true });
  } catch (cause) {
    throw storageError(cause, `The data directory ${dataDir} cannot be used`);
  }
  try {
    lock.run("PRAGMA journal_mode = MEMORY");
    lock.run("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock.close();
    if (storageError(cause, "").busy) {
      throw new MatricError(
        "already_running",
        `Another matric server already uses the data directory ${dataDir}. Stop it, or choose another one with --data-dir.`,
        {},
        { cause },
      );
    }
    throw storageError(cause, `The data directory ${dataDir} cannot be used`);
  }
}

/** The wrong path was chosen, as against a disk that cannot be written to. */
function isFileOnTheWay(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && (cause.code === "EEXIST" || cause.code === "ENOTDIR");
}
