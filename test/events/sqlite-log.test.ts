import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { systemActor } from "../../src/events/catalog.ts";
import { draft, type EventDraft, type StoredEvent } from "../../src/events/log.ts";
import { SqliteLog } from "../../src/events/sqlite-log.ts";
import { openStorage, type Storage } from "../support/storage.ts";

let storage: Storage;
let log: SqliteLog;

beforeEach(() => {
  storage = openStorage();
  log = storage.log;
});

afterEach(() => storage.close());

const thing = (n = 0): EventDraft => ({ event: "ThingHappened", data: { n }, subject: null, actor: systemActor });

/** Appends so many events, in one change. */
function append(count: number, to = log): Promise<StoredEvent[]> {
  return storage.writer.write((tx) =>
    to.append(
      tx,
      Array.from({ length: count }, (_, n) => thing(n)),
    ),
  );
}

function prune(seq: number, limit = 1000): Promise<number> {
  return storage.writer.write((tx) => log.prune(tx, seq, limit));
}

/** The log as a new start of the server finds it. */
function restarted(): SqliteLog {
  return new SqliteLog(storage.db, storage.clock);
}

/** A later life of the same data begins after `seq`, as restoring a backup makes one. */
function beginEpoch(epoch: string, seq: number): void {
  storage.clock.jump(1);
  const { sqlite } = storage.db;
  sqlite.run("DELETE FROM events WHERE seq > ?", [seq]);
  sqlite.run("INSERT INTO epochs (epoch, start_seq, started_at) VALUES (?, ?, ?)", [epoch, seq, storage.clock.now()]);
}

const seqs = (events: readonly { seq: number }[]) => events.map((event) => event.seq);

describe("appending", () => {
  test("gives every event its number, its id and its text, the same wherever it is read", async () => {
    const data = { note_id: "n1", version: 1 };
    const [stored] = await storage.writer.write((tx) => log.append(tx, [draft("NoteCreated", data, { kind: "user", id: "t1" })]));
    expect(JSON.parse(stored?.text ?? "")).toEqual({
      id: `1-${log.epoch}`,
      event: "NoteCreated",
      time: "2026-02-05T10:30:00.000Z",
      subject: "note:n1",
      actor: { kind: "user", id: "t1" },
      data,
    });
    expect(stored).toMatchObject({ seq: 1, id: `1-${log.epoch}`, name: "NoteCreated", noteId: "n1", jobId: null });
    for (const again of [log.get(1), log.readAfter(0, 1)[0], log.readBefore(2, 1)[0], restarted().get(1)])
      expect(again).toEqual(stored);
  });

  test("keeps any JSON as it is, and never breaks a line", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()),
        fc.string({ unit: "binary" }),
        async (data, subject) => {
          const [event] = await storage.writer.write((tx) => log.append(tx, [{ ...thing(), data, subject }]));
          expect(event?.text).not.toMatch(/[\r\n\0]/);
          const back = JSON.parse(log.get(event?.seq ?? 0)?.text ?? "");
          expect(JSON.stringify(back.data)).toBe(JSON.stringify(data));
          expect(back.subject).toBe(JSON.parse(JSON.stringify(subject)));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("is seen by nobody before the commit, and heard of in order right after it", async () => {
    const heard: number[] = [];
    log.onAppend((events) => {
      heard.push(...seqs(events));
      // Whoever hears of an event can read it, and nothing beyond it.
      expect(log.head()).toBe(events.at(-1)?.seq ?? 0);
      expect(seqs(log.readAfter(0, 100))).toEqual(heard);
    });
    let seen: unknown[] = [];
    const written = storage.writer.write((tx) => {
      log.append(tx, [thing(), thing()]);
      log.append(tx, [thing()]);
      seen = [log.head(), log.readAfter(0, 10), log.readBefore(10, 10), log.get(1)];
    });
    const next = append(2);
    await Promise.all([written, next]);
    expect(seen).toEqual([0, [], [], undefined]);
    expect(heard).toEqual([1, 2, 3, 4, 5]);
  });

  test("with a change that fails leaves nothing, and its numbers are not given to anybody else", async () => {
    const heard: number[] = [];
    log.onAppend((events) => heard.push(...seqs(events)));
    const before = append(1);
    const failing = storage.writer.write((tx) => {
      log.append(tx, [thing(), thing()]);
      throw new Error("no");
    });
    const after = append(1);
    await expect(failing).rejects.toThrow("no");
    await Promise.all([before, after]);
    expect(seqs(log.readAfter(0, 10))).toEqual([1, 4]);
    expect(heard).toEqual([1, 4]);
    expect(restarted().head()).toBe(4);
  });

  test("of nothing is nothing", async () => {
    expect(await append(0)).toEqual([]);
    expect(log.head()).toBe(0);
  });

  test("only what looks like an id takes part in filters by note and job", async () => {
    const data = [{ note_id: 7, job_id: null }, { note_id: "x".repeat(65) }, { note_id: "n", job_id: "j" }];
    const events = await storage.writer.write((tx) =>
      log.append(
        tx,
        data.map((one) => ({ ...thing(), data: one })),
      ),
    );
    expect(events.map(({ noteId, jobId }) => [noteId, jobId])).toEqual([
      [null, null],
      [null, null],
      ["n", "j"],
    ]);
  });
});

describe("reading", () => {
  test("goes forward from a position and back from one, in order, up to a limit", async () => {
    await append(10);
    expect(seqs(log.readAfter(3, 4))).toEqual([4, 5, 6, 7]);
    expect(seqs(log.readAfter(8, 100))).toEqual([9, 10]);
    expect(log.readAfter(10, 5)).toEqual([]);
    expect(log.readAfter(99, 5)).toEqual([]);
    expect(seqs(log.readBefore(4, 2))).toEqual([2, 3]);
    expect(seqs(log.readBefore(99, 2))).toEqual([9, 10]);
    expect(log.readBefore(1, 2)).toEqual([]);
    expect(log.get(11)).toBeUndefined();
    expect(log.get(0)).toBeUndefined();
  });

  test("stops at about so much text, but brings at least one event", async () => {
    await append(10);
    const length = log.get(1)?.text.length ?? 0;
    expect(seqs(log.readAfter(0, 10, 1))).toEqual([1]);
    expect(seqs(log.readAfter(0, 10, length * 3))).toEqual([1, 2, 3]);
    // The statement was given up half-way; the next reader gets all the same.
    expect(seqs(log.readAfter(0, 10))).toHaveLength(10);
  });
});

describe("pruning", () => {
  test("removes the oldest, at most so many at once, and tells from where there is something", async () => {
    await append(10);
    expect(await prune(8, 3)).toBe(3);
    expect([log.oldest(), log.head()]).toEqual([4, 10]);
    expect(await prune(8, 100)).toBe(5);
    expect(seqs(log.readAfter(0, 100))).toEqual([9, 10]);
    expect(await prune(8, 100)).toBe(0);
    expect(await prune(99, 100)).toBe(2);
    expect([log.oldest(), log.head()]).toEqual([11, 10]);
    expect(log.readBefore(99, 10)).toEqual([]);
  });

  test("of everything, and a restart: no number is given twice, and ids go on", async () => {
    await append(5);
    await prune(5);
    const next = restarted();
    expect([next.head(), next.oldest(), next.epoch]).toEqual([5, 6, log.epoch]);
    expect(next.idOf(next.head())).toBe(`5-${log.epoch}`);
    expect(seqs(await append(1, next))).toEqual([6]);
    expect(next.locate({ seq: 5, epoch: log.epoch })).toEqual({ seq: 5 });
    expect(next.locate({ seq: 4, epoch: log.epoch }).gap).toMatchObject({ reason: "expired" });
  });

  test("is known to readers from the moment the rows are gone, also while the disk is being waited for", async () => {
    await append(5);
    const seen: unknown[] = [];
    await storage.writer.write((tx) => {
      log.prune(tx, 3, 100);
      tx.afterCommit(() => seen.push(log.oldest()));
      // Between commit and sync the rows are gone already: a reader who is told of no gap would miss them.
      seen.push(log.oldest());
    });
    expect(seen).toEqual([4, 4]);
  });

  test("that fails is done again from the same place", async () => {
    await append(5);
    const failing = storage.writer.write((tx) => {
      log.prune(tx, 2, 100);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await prune(3)).toBe(3);
    expect([log.oldest(), restarted().oldest()]).toEqual([4, 4]);
    expect(seqs(log.readAfter(0, 100))).toEqual([4, 5]);
  });
});

describe("the position before a time", () => {
  const at = (minute: number) => Date.UTC(2026, 1, 5, 10, 30 + minute);

  test("is that before the first event at or after it", async () => {
    for (let minute = 0; minute < 10; minute++) {
      await append(1);
      await storage.clock.advance(60_000);
    }
    expect(log.seqBefore(at(-1))).toBe(0);
    expect(log.seqBefore(at(0))).toBe(0);
    expect(log.seqBefore(at(0) + 1)).toBe(1);
    expect(log.seqBefore(at(4))).toBe(4);
    expect(log.seqBefore(at(99))).toBe(10);
    await prune(6);
    expect(log.seqBefore(at(0))).toBe(6);
    expect(log.seqBefore(at(7))).toBe(7);
    await prune(10);
    expect(log.seqBefore(at(0))).toBe(10);
    expect(restarted().seqBefore(at(99))).toBe(10);
  });

  test("with a clock that jumps: no event at or after the time is ever left out", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -100_000, max: 100_000 }), { maxLength: 30 }),
        fc.nat({ max: 29 }),
        async (jumps, restartAt) => {
          storage.close();
          storage = openStorage();
          log = storage.log;
          const times: number[] = [];
          for (const [index, ms] of jumps.entries()) {
            if (index === restartAt) log = restarted();
            storage.clock.jump(ms);
            times.push(storage.clock.now());
            await append(1, log);
          }
          for (const ms of [...times, ...times.map((time) => time + 1)]) {
            const first = times.findIndex((time) => time >= ms);
            expect(log.seqBefore(ms)).toBe(first < 0 ? times.length : first);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("an event tells the time of its own all the same", async () => {
    await append(1);
    storage.clock.jump(-3_600_000);
    const [event] = await append(1);
    expect(JSON.parse(event?.text ?? "").time).toBe("2026-02-05T09:30:00.000Z");
  });
});

describe("a cursor that somebody brought", () => {
  beforeEach(async () => {
    await append(10);
  });

  test("is good anywhere in the log, with or without its epoch", () => {
    for (let seq = 0; seq <= 10; seq++) {
      expect(log.locate({ seq, epoch: log.epoch })).toEqual({ seq });
      expect(log.locate({ seq, epoch: undefined })).toEqual({ seq });
    }
  });

  test("from the future goes on at the head", () => {
    const gap = { from: `11-${log.epoch}`, to: `10-${log.epoch}`, reason: "ahead_of_log" };
    expect(log.locate({ seq: 11, epoch: log.epoch })).toEqual({ seq: 10, gap } as never);
    expect(log.locate({ seq: 999_999_999_999_999, epoch: undefined }).seq).toBe(10);
  });

  test("of what was removed goes on at the oldest; the one just before it misses nothing", async () => {
    await prune(4);
    expect(log.locate({ seq: 4, epoch: log.epoch })).toEqual({ seq: 4 });
    const gap = { from: `3-${log.epoch}`, to: `4-${log.epoch}`, reason: "expired" };
    expect(log.locate({ seq: 3, epoch: undefined })).toEqual({ seq: 4, gap } as never);
  });

  test("from a life that nobody knows begins at the oldest", async () => {
    expect(log.locate({ seq: 5, epoch: "zzzzzz" })).toEqual({
      seq: 0,
      gap: { from: "5-zzzzzz", to: `0-${log.epoch}`, reason: "other_epoch" },
    });
    await prune(4);
    expect(log.locate({ seq: 9, epoch: "zzzzzz" }).seq).toBe(4);
  });

  test("from an earlier life of this data is good up to where the lives part", async () => {
    const first = log.epoch;
    beginEpoch("second", 8);
    log = restarted();
    await append(4, log);
    beginEpoch("third", 11);
    log = restarted();
    await append(2, log);
    expect(log.epoch).toBe("third");
    expect(log.readAfter(6, 99).map((event) => event.id)).toEqual([
      `7-${first}`,
      `8-${first}`,
      "9-second",
      "10-second",
      "11-second",
      "12-third",
      "13-third",
    ]);

    expect(log.locate({ seq: 8, epoch: first })).toEqual({ seq: 8 });
    expect(log.locate({ seq: 9, epoch: first })).toEqual({
      seq: 8,
      gap: { from: `9-${first}`, to: `8-${first}`, reason: "other_epoch" },
    });
    expect(log.locate({ seq: 11, epoch: "second" })).toEqual({ seq: 11 });
    expect(log.locate({ seq: 12, epoch: "second" })).toEqual({
      seq: 11,
      gap: { from: "12-second", to: "11-second", reason: "other_epoch" },
    });
    expect(log.locate({ seq: 12, epoch: "third" })).toEqual({ seq: 12 });
    // A bare number is one of the present life.
    expect(log.locate({ seq: 13, epoch: undefined })).toEqual({ seq: 13 });
  });

  test("from an earlier life whose last events were removed says so", async () => {
    beginEpoch("second", 8);
    log = restarted();
    await append(4, log);
    await prune(9);
    expect(log.locate({ seq: 5, epoch: log.epoch }).gap?.reason).toBe("expired");
    const [{ epoch: first } = { epoch: "" }] = storage.db.sqlite
      .query<{ epoch: string }, []>("SELECT epoch FROM epochs ORDER BY start_seq")
      .all();
    expect(log.locate({ seq: 5, epoch: first })).toEqual({
      seq: 9,
      gap: { from: `5-${first}`, to: "9-second", reason: "expired" },
    });
    expect(log.locate({ seq: 10, epoch: first })).toEqual({
      seq: 9,
      gap: { from: `10-${first}`, to: "9-second", reason: "other_epoch" },
    });
  });
});

describe("when the power fails", () => {
  /** The log as the machine finds it on its next start, with all events after `seq` lost. */
  function afterPowerLoss(seq: number): SqliteLog {
    storage.db.sqlite.run("DELETE FROM events WHERE seq > ?", [seq]);
    storage.clock.jump(-3_600_000);
    return new SqliteLog(storage.db, storage.clock, undefined, "the next start of the machine");
  }

  test("numbers that subscribers saw and the disk did not are told from those given again", async () => {
    await append(10);
    const first = log.epoch;
    log = afterPowerLoss(7);
    await append(5, log);
    expect(log.epoch).not.toBe(first);
    expect(log.readAfter(6, 9).map(({ id }) => id)).toEqual([
      `7-${first}`,
      ...[8, 9, 10, 11, 12].map((seq) => `${seq}-${log.epoch}`),
    ]);
    expect(log.locate({ seq: 7, epoch: first })).toEqual({ seq: 7 });
    const gap = { from: `9-${first}`, to: `7-${first}`, reason: "other_epoch" };
    expect(log.locate({ seq: 9, epoch: first })).toEqual({ seq: 7, gap } as never);
  });

  test("several times, the lives stand in the order in which they were lived, whatever the clock says", async () => {
    await append(3);
    const lives = ["first", "second", "third"].map((boot) => {
      storage.clock.jump(-3_600_000);
      return new SqliteLog(storage.db, storage.clock, undefined, boot).epoch;
    });
    log = new SqliteLog(storage.db, storage.clock, undefined, "third");
    expect([log.epoch, new Set(lives).size]).toEqual([lives[2] ?? "", 3]);
  });

  test("a log that had been closed before lives on as it is", async () => {
    await append(3);
    log.close();
    expect(afterPowerLoss(3).epoch).toBe(log.epoch);
  });
});

test("ids of the positions of an empty log are there, and rise", async () => {
  expect([log.idOf(log.head()), log.idOf(log.oldest())]).toEqual([`0-${log.epoch}`, `1-${log.epoch}`]);
  expect(restarted().epoch).toBe(log.epoch);
});

test("numbers rise strictly, whatever fails, is removed, or restarts", async () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 5 }), fails: fc.boolean() }),
    fc.record({ do: fc.constant("prune" as const), count: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ do: fc.constant("restart" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
      storage.close();
      storage = openStorage();
      log = storage.log;
      const committed: number[] = [];
      for (const one of actions) {
        if (one.do === "restart") log = restarted();
        else if (one.do === "prune") await prune(log.oldest() + one.count - 1);
        else {
          const written = storage.writer.write((tx) => {
            const events = log.append(tx, Array.from({ length: one.count }, thing));
            if (one.fails) throw new Error("no");
            return events;
          });
          committed.push(...(await written.then(seqs, () => [])));
        }
        expect(committed).toEqual([...new Set(committed)].sort((a, b) => a - b));
        expect(seqs(log.readAfter(0, 1000))).toEqual(committed.filter((seq) => seq >= log.oldest()));
        expect(log.head()).toBe(Math.max(committed.at(-1) ?? 0, log.oldest() - 1));
      }
    }),
    { numRuns: 80 },
  );
});
