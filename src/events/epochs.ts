import { readFileSync } from "node:fs";
import type { Db } from "../db/open.ts";
import { isStorageFailure, storageError } from "../db/storage-error.ts";
import { createEpoch } from "./cursor.ts";

/** A life of the log: its events are those after `start_seq`, up to where the next one begins. */
export interface Epoch {
  epoch: string;
  start_seq: number;
}

/**
 * All lives of the log, the present one last. A new one begins with a new log, and when the machine has been started anew since the
 * log was used last without being closed: the newest events, which subscribers may have seen, can have been lost with the power,
 * and their numbers will be given again. `head` is the newest sequence number that is left.
 */
export function openEpochs(sqlite: Db["sqlite"], head: number, nowMs: number, bootId: string): Epoch[] {
  const usedOn = sqlite.query<{ open_boot: string | null }, []>("SELECT open_boot FROM log_state").get()?.open_boot;
  const read = sqlite.query<Epoch, []>("SELECT epoch, start_seq FROM epochs ORDER BY start_seq, rowid");
  const isNewLife = read.all().length === 0 || (typeof usedOn === "string" && usedOn !== bootId);
  // Both must be on the disk before anybody sees an event, whatever is promised for the events themselves.
  sqlite.run("PRAGMA synchronous = FULL");
  try {
    sqlite.transaction(() => {
      if (isNewLife) {
        sqlite.query("INSERT INTO epochs (start_seq, epoch, started_at) VALUES (?, ?, ?)").run(head, createEpoch(), nowMs);
      }
      sqlite.query("UPDATE log_state SET open_boot = ?").run(bootId);
    })();
  } catch (error) {
    throw storageError(error, "The log cannot be opened");
  } finally {
    sqlite.run("PRAGMA synchronous = NORMAL");
  }
  return read.all();
}

/** The log is left in order: closing the database brings all of it to the disk. What cannot be stored costs a new life, no more. */
export function closeEpochs(sqlite: Db["sqlite"]): void {
  try {
    sqlite.run("UPDATE log_state SET open_boot = NULL");
  } catch (error) {
    if (!isStorageFailure(error)) throw error;
  }
}

/**
 * The same from one start of the machine to the next. Where the system has no name for that, every process counts as a start:
 * then more lives begin than need be, and a cursor of the life before is exact in the next one all the same.
 */
export function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return crypto.randomUUID();
  }
}
