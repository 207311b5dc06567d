import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { MatricError } from "../errors.ts";

/** In the compiled binary `drizzle/` is embedded beside the entry point; in the source tree it is two levels up. */
const migrationsFolder = [join(import.meta.dir, "drizzle"), join(import.meta.dir, "../../drizzle")].find((folder) =>
  existsSync(join(folder, "meta/_journal.json")),
);

/** As drizzle-kit knows it. */
const createTable =
  "CREATE TABLE IF NOT EXISTS __drizzle_migrations (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, created_at NUMERIC)";

/** Brings the schema up to date, each migration once. A database made by a newer build is refused and left as it is. */
export function migrate(sqlite: Database): void {
  if (!migrationsFolder) throw new Error("the migrations are missing from this build");
  const known = readMigrationFiles({ migrationsFolder });
  const newestKnown = Math.max(...known.map((migration) => migration.folderMillis));
  const applied = newestApplied(sqlite);
  if (applied > newestKnown) {
    throw new MatricError(
      "storage_unavailable",
      "The database was made by a newer matric. Install that version again, or restore a backup made with this one.",
    );
  }
  const pending = known.filter((migration) => migration.folderMillis > applied);
  // Not drizzle's own loop: a full disk ends the transaction, and its ROLLBACK then fails and hides why.
  sqlite
    .transaction(() => {
      sqlite.run(createTable);
      for (const { sql, folderMillis, hash } of pending) {
        for (const statement of sql) sqlite.run(statement);
        sqlite.query("INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)").run(hash, folderMillis);
      }
    })
    .immediate();
}

function newestApplied(sqlite: Database): number {
  const table = sqlite.query("SELECT 1 FROM sqlite_master WHERE name = '__drizzle_migrations'").get();
  if (!table) return 0;
  const row = sqlite.query<{ newest: number | null }, []>("SELECT max(created_at) AS newest FROM __drizzle_migrations").get();
  return row?.newest ?? 0;
}
