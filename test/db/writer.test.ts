import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, openDb } from "../../src/db/open.ts";
import { Writer } from "../../src/db/writer.ts";
import { silentLogger } from "../../src/logger.ts";
import { settle } from "../support/manual-clock.ts";

/** A disk whose syncs end when the test says so, in the order that it says. */
class SlowDisk {
  readonly pending: ((error: Error | null) => void)[] = [];
  failNow: Error | undefined;
  syncsNow = 0;

  start(done: (error: Error | null) => void): void {
    this.pending.push(done);
  }

  now(): void {
    this.syncsNow++;
    if (this.failNow) throw this.failNow;
  }

  /** Ends one of the syncs that are under way, the oldest first. */
  async end(error: Error | null = null, which = 0): Promise<void> {
    const [done] = this.pending.splice(which, 1);
    if (!done) throw new Error("no sync is under way");
    done(error);
    await settle();
  }
}

let dataDir: string;
let db: Db;
let disk: SlowDisk;
/** Writes to a disk that is slow. */
let writer: Writer;
/** What was told and answered, in order. */
let heard: string[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  db = openDb(dataDir, "full");
  db.sqlite.run("CREATE TABLE things (name TEXT UNIQUE)");
  disk = new SlowDisk();
  writer = new Writer({ sqlite: db.sqlite, diskSync: disk }, silentLogger);
  heard = [];
});

afterEach(() => {
  db.close();
  rmSync(dataDir, { recursive: true });
});

/** Writes one row, and notes down what becomes of it. */
function add(name: string, to = writer): Promise<string> {
  const written = to.write((tx) => {
    tx.afterCommit(() => heard.push(`told ${name}`));
    db.sqlite.run("INSERT INTO things VALUES (?)", [name]);
    return name;
  });
  written.then(
    () => heard.push(`answered ${name}`),
    (error) => heard.push(`refused ${name}: ${error.code}`),
  );
  return written;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function stored(): string[] {
  return db.sqlite
    .query<{ name: string }, []>("SELECT name FROM things ORDER BY rowid")
    .all()
    .map((row) => row.name);
}

const diskError = (code: string) => Object.assign(new Error(`${code}: the disk said no`), { code });

describe("changes of one turn", () => {
  test("share one sync, are told in order, and then answered in order", async () => {
    add("a");
    add("b");
    add("c");
    await settle();
    expect(disk.pending).toHaveLength(1);
    expect(heard).toEqual([]);
    await disk.end();
    expect(heard).toEqual(["told a", "told b", "told c", "answered a", "answered b", "answered c"]);
  });

  test("are joined by what the next turns bring, as long as each brings more", async () => {
    add("a");
    add("b");
    await turn();
    add("c");
    await settle();
    expect(disk.pending).toHaveLength(1);
    await disk.end();
    expect(heard.slice(3)).toEqual(["answered a", "answered b", "answered c"]);
  });

  test("do not wait for ever for what more may come", async () => {
    let turns = 0;
    for (; disk.pending.length === 0; turns++) {
      add(`change ${turns}`);
      await turn();
    }
    expect(stored()).not.toBeEmpty();
    await settle();
    while (disk.pending.length > 0) await disk.end();
    expect(stored()).toHaveLength(turns);
  });

  test("a failing one takes back only itself, and nothing is told of it", async () => {
    add("a");
    const failing = writer.write((tx) => {
      tx.afterCommit(() => heard.push("told of a failure"));
      db.sqlite.run("INSERT INTO things VALUES ('half')");
      throw new Error("changed its mind");
    });
    failing.catch((error) => heard.push(error.message));
    const broken = writer.write(() => db.sqlite.run("INSERT INTO things VALUES ('a')"));
    broken.catch((error) => heard.push(error.code));
    add("b");
    await settle();
    await disk.end();
    expect(stored()).toEqual(["a", "b"]);
    expect(heard).toEqual(["told a", "told b", "answered a", "changed its mind", "SQLITE_CONSTRAINT_UNIQUE", "answered b"]);
  });

  test("a change that asks for another one gets it in the next transaction", async () => {
    const outer = writer.write(() => {
      add("inner");
      return stored();
    });
    await settle();
    while (disk.pending.length > 0) await disk.end();
    expect(await outer).toEqual([]);
    expect(heard).toEqual(["told inner", "answered inner"]);
  });

  test("may be none that stores anything", async () => {
    const only = writer.write(() => {
      throw new Error("nothing");
    });
    only.catch((error) => heard.push(error.message));
    await settle();
    await disk.end();
    expect(heard).toEqual(["nothing"]);
  });
});

describe("the disk", () => {
  test("must hold a change before anybody hears of it; what comes meanwhile waits for a later sync", async () => {
    add("a");
    await settle();
    add("b");
    await settle();
    add("c");
    await settle();
    expect(stored()).toEqual(["a", "b", "c"]);
    expect(heard).toEqual([]);
    await disk.end();
    expect(heard).toEqual(["told a", "answered a"]);
    while (disk.pending.length > 0) await disk.end();
    expect(heard).toEqual(["told a", "answered a", "told b", "answered b", "told c", "answered c"]);
  });

  test("is never asked for more than two syncs at once", async () => {
    for (const name of ["a", "b", "c", "d"]) {
      add(name);
      await settle();
    }
    expect(disk.pending).toHaveLength(2);
  });

  test("need not be waited for with normal durability", async () => {
    const fast = new Writer({ sqlite: db.sqlite, diskSync: undefined }, silentLogger);
    await add("a", fast);
    expect(disk.pending).toHaveLength(0);
    expect(heard).toEqual(["told a", "answered a"]);
  });

  test("that is full or broken when it syncs is told as such, in the words of the storage", async () => {
    const full = add("a").catch((error) => error);
    await settle();
    await disk.end(diskError("ENOSPC"));
    expect(await full).toMatchObject({ code: "storage_full", message: "The change could not be stored: the disk is full." });
    const broken = add("b").catch((error) => error);
    await settle();
    await disk.end(diskError("EIO"));
    expect(await broken).toMatchObject({ code: "storage_unavailable", message: expect.stringContaining("input/output error") });
  });

  // The system reports a failed write once, to one of the syncs: a later one that succeeds says nothing about it.
  test("once a sync has failed, one that began before is not believed either", async () => {
    add("a");
    await settle();
    add("b");
    await settle();
    await disk.end(null, 1);
    expect(heard).toEqual([]);
    await disk.end(diskError("EIO"));
    expect(heard.filter((line) => line.startsWith("answered"))).toEqual([]);
    expect(heard).toContain("refused a: storage_unavailable");
    expect(heard).toContain("refused b: storage_unavailable");
  });

  test("after a failed sync everything is written anew before a change is answered", async () => {
    add("a");
    await settle();
    await disk.end(diskError("EIO"));
    heard = [];
    const walBytes = () => Bun.file(join(dataDir, "matric.db-wal")).size;
    expect(walBytes()).toBeGreaterThan(30_000);
    add("b");
    await settle();
    // What the log file held is in the database file now; the log file began again.
    expect(walBytes()).toBeLessThan(30_000);
    await disk.end();
    expect(heard).toEqual(["told b", "answered b"]);
    expect(stored()).toEqual(["a", "b"]);
  });

  test("while that cannot be done, changes are refused", async () => {
    const reader = openReader();
    try {
      add("a");
      await settle();
      await disk.end(diskError("EIO"));
      heard = [];
      db.sqlite.run("PRAGMA busy_timeout = 1");
      add("b");
      await settle();
      expect(heard).toEqual(["refused b: storage_unavailable"]);
      expect(stored()).toEqual(["a"]);
    } finally {
      reader.end();
    }
    add("c");
    await settle();
    await disk.end();
    expect(heard.slice(1)).toEqual(["told c", "answered c"]);
  });

  /** Somebody who reads an old state of the database, so that the log file cannot begin again. */
  function openReader() {
    const other = new Database(join(dataDir, "matric.db"), { readonly: true });
    other.run("BEGIN");
    other.query("SELECT * FROM things").all();
    return {
      end() {
        other.run("ROLLBACK");
        other.close();
      },
    };
  }
});

describe("when it stops", () => {
  test("what waits is committed, synced and answered; later changes are refused", async () => {
    add("a");
    writer.stop();
    add("late");
    await settle();
    expect(heard.toSorted()).toEqual(["answered a", "refused late: draining", "told a"]);
    expect(disk.syncsNow).toBe(1);
    expect(stored()).toEqual(["a"]);
    writer.stop();
    expect(disk.syncsNow).toBe(1);
  });

  test("changes whose sync is under way are told once, in order, and before it returns", async () => {
    add("a");
    await settle();
    add("b");
    await settle();
    add("c");
    writer.stop();
    expect(heard).toEqual(["told a", "told b", "told c"]);
    await settle();
    while (disk.pending.length > 0) await disk.end();
    expect(heard).toEqual(["told a", "told b", "told c", "answered a", "answered b", "answered c"]);
  });

  test("and the disk fails then, nothing is answered as stored", async () => {
    add("a");
    disk.failNow = diskError("EIO");
    writer.stop();
    await settle();
    expect(heard).toEqual(["told a", "refused a: storage_unavailable"]);
  });
});

test("a change cannot be asynchronous: the compiler refuses it", () => {
  // @ts-expect-error a promise is not a value that a change may return
  const refused = () => writer.write(async () => 1);
  expect(refused).toBeFunction();
});
