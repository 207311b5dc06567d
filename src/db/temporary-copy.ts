import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Where a copy of the database may lie while it is handed out; nobody else writes there. */
export function temporaryCopyIn(dataDir: string): string {
  return join(dataDir, `backup-${Bun.randomUUIDv7()}.tmp`);
}

/** Takes away what a server that died left of its copies. For whoever holds the directory's lock. */
export function removeTemporaryCopies(dataDir: string): void {
  for (const name of readdirSync(dataDir)) if (/^backup-[\da-f-]+\.tmp/.test(name)) rmSync(join(dataDir, name), { force: true });
}
