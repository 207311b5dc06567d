import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, openDb } from "../../src/db/open.ts";
import { Writer } from "../../src/db/writer.ts";
import type { Envelope } from "../../src/events/catalog.ts";
import { SqliteLog } from "../../src/events/sqlite-log.ts";
import { silentLogger } from "../../src/logger.ts";
import { ManualClock } from "./manual-clock.ts";

/** A real database in a directory of its own, with what writes to it. `close` removes it. */
export interface Storage {
  db: Db;
  writer: Writer;
  log: SqliteLog;
  clock: ManualClock;
  /** The events committed since the last call, as every transport sends them. */
  takeEvents(): Envelope[];
  close(): void;
}

export function openStorage(): Storage {
  const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const db = openDb(dataDir, "normal");
  const clock = new ManualClock();
  const writer = new Writer(db, silentLogger);
  const log = new SqliteLog(db, clock);
  let events: Envelope[] = [];
  log.onAppend((committed) => {
    events.push(...committed.map((event): Envelope => JSON.parse(event.text)));
  });
  return {
    db,
    writer,
    log,
    clock,
    takeEvents() {
      const taken = events;
      events = [];
      return taken;
    },
    close() {
      writer.stop();
      db.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}
