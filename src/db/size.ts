import { statSync } from "node:fs";
import { join } from "node:path";

/** Bytes of the database and of its write-ahead log. */
export function databaseBytes(dataDir: string): { db: number; wal: number } {
  const bytes = (name: string) => statSync(join(dataDir, name), { throwIfNoEntry: false })?.size ?? 0;
  return { db: bytes("matric.db"), wal: bytes("matric.db-wal") };
}
