import { MatricError } from "../errors.ts";

/** A failure of the disk or the database file; `busy` when another process holds it. */
export class StorageError extends MatricError {
  constructor(
    code: "storage_full" | "storage_unavailable",
    message: string,
    readonly busy: boolean,
    cause: unknown,
  ) {
    super(code, message, {}, { cause });
  }
}

/** Tells what an error of SQLite means for the user. `what` starts the sentence ("The database cannot be used"). */
export function storageError(error: unknown, what: string): StorageError {
  const code = codeOf(error);
  // SQLite calls it an I/O error when the index of the WAL finds no room.
  if (/^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)/.test(code))
    return new StorageError("storage_full", `${what}: the disk is full.`, false, error);
  const busy = code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED");
  return new StorageError("storage_unavailable", `${what}: ${reasonOf(code)}.`, busy, error);
}

/** True for errors of the storage itself, as against a mistake in what was asked of it (a constraint, say). */
export function isStorageFailure(error: unknown): boolean {
  return /^SQLITE_(FULL|BUSY|LOCKED|READONLY|IOERR|CORRUPT|NOTADB|CANTOPEN|PROTOCOL|NOMEM)/.test(codeOf(error));
}

/** SQLite's own code, or that of the system where the file itself was touched; drizzle may have wrapped either. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return "code" in error && typeof error.code === "string" ? error.code : codeOf(error.cause);
}

function reasonOf(code: string): string {
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return "another process holds a lock on it";
  if (/^(SQLITE_READONLY|EACCES|EROFS)/.test(code)) return "it is read-only for this user";
  if (code.startsWith("SQLITE_CANTOPEN")) return "it cannot be opened; check that it is a writable file for this user";
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB"))
    return "the file is damaged or not a matric database; restore a backup or move the file away";
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such folder";
  if (code === "ENAMETOOLONG") return "its name is too long";
  if (/^(SQLITE_IOERR|EIO)/.test(code)) return "the disk reported an input/output error";
  return code === "" ? "it failed unexpectedly" : `it failed with ${code}`;
}
