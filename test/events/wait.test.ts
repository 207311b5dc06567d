import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { systemActor } from "../../src/events/catalog.ts";
import { createFilter, everything } from "../../src/events/filter.ts";
import { Hub } from "../../src/events/hub.ts";
import { type Waited, type WaitRequest, waitForEvents } from "../../src/events/wait.ts";
import { settle } from "../support/manual-clock.ts";
import { openStorage, type Storage } from "../support/storage.ts";

let storage: Storage;
let hub: Hub;
let abort: AbortController;

beforeEach(() => {
  storage = openStorage();
  hub = new Hub(storage.log, storage.clock);
  abort = new AbortController();
});

afterEach(() => storage.close());

async function publish(count = 1, event = "ThingHappened", data = {}): Promise<void> {
  const drafts = Array.from({ length: count }, () => ({ event, data, subject: null, actor: systemActor }));
  await storage.writer.write((tx) => storage.log.append(tx, drafts));
  await settle();
}

/** A long poll from the head, and what has become of it so far. */
function wait(request: Partial<WaitRequest> = {}) {
  const waiting: { result: Waited | undefined; error: unknown; seqs(): number[] | undefined } = {
    result: undefined,
    error: undefined,
    seqs: () => waiting.result?.events.map(({ seq }) => seq),
  };
  waitForEvents(
    { log: storage.log, hub, clock: storage.clock },
    {
      filter: everything,
      position: { seq: storage.log.head() },
      limit: 50,
      timeoutMs: 25_000,
      batchMs: 0,
      signal: abort.signal,
      ...request,
    },
  ).then(
    (result) => {
      waiting.result = result;
    },
    (error) => {
      waiting.error = error;
    },
  );
  return waiting;
}

const id = (seq: number) => `${seq}-${storage.log.epoch}`;

describe("a long poll", () => {
  test("answers at once with what is there", async () => {
    await publish(3);
    const waiting = wait({ position: { seq: 1 } });
    await settle();
    expect(waiting.result).toMatchObject({ nextCursor: id(3), gap: null });
    expect(waiting.seqs()).toEqual([2, 3]);
  });

  test("else waits for the first event", async () => {
    const waiting = wait();
    await settle();
    expect(waiting.result).toBeUndefined();
    await publish();
    expect(waiting.seqs()).toEqual([1]);
    expect(storage.clock.pending()).toBe(0);
  });

  test("collects no more than fits a page when events are very large, and misses none", async () => {
    for (let batch = 0; batch < 12; batch++) await publish(50, "ThingHappened", { text: "x".repeat(60_000) });
    const seqs: number[] = [];
    for (let seq = 0; seq < 600; seq = seqs.at(-1) ?? 600) {
      const waiting = wait({ position: { seq }, limit: 500, batchMs: 60_000 });
      for (let turn = 0; turn < 100 && !waiting.result; turn++) await settle();
      if (!waiting.result) await storage.clock.advance(60_000);
      expect(waiting.result?.events.length).toBeLessThan(300);
      expect(waiting.result?.nextCursor).toBe(id(waiting.seqs()?.at(-1) ?? 0));
      seqs.push(...(waiting.seqs() ?? []));
    }
    expect(seqs).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
  });

  test("answers with none when the time is up, and moves on past what was not for it", async () => {
    const waiting = wait({ filter: createFilter({ events: ["RareHappened"] }) });
    await publish(5);
    await storage.clock.advance(24_999);
    expect(waiting.result).toBeUndefined();
    await storage.clock.advance(1);
    expect(waiting.result).toEqual({ events: [], nextCursor: id(5), gap: null });
  });

  test("brings at most so many, and the rest next time", async () => {
    await publish(5);
    const first = wait({ position: { seq: 0 }, limit: 2 });
    await settle();
    expect(first.seqs()).toEqual([1, 2]);
    expect(first.result?.nextCursor).toBe(id(2));
  });

  test("collects for a while after the first event, if it was asked to", async () => {
    const waiting = wait({ batchMs: 5000 });
    await publish();
    await storage.clock.advance(3000);
    await publish();
    expect(waiting.result).toBeUndefined();
    await storage.clock.advance(2000);
    expect(waiting.seqs()).toEqual([1, 2]);
  });

  test("does not collect longer than it may take in all, nor more than it may bring", async () => {
    const patient = wait({ batchMs: 60_000, timeoutMs: 1000 });
    const small = wait({ batchMs: 60_000, limit: 2 });
    await publish(3);
    expect(small.seqs()).toEqual([1, 2]);
    await storage.clock.advance(1000);
    expect(patient.seqs()).toEqual([1, 2, 3]);
  });

  test("tells of a gap", async () => {
    await publish(5);
    await storage.writer.write((tx) => storage.log.prune(tx, 3, 100));
    const waiting = wait({ position: storage.log.locate({ seq: 1, epoch: undefined }) });
    await settle();
    expect(waiting.result?.gap).toEqual({ from: id(1), to: id(3), reason: "expired" });
    expect(waiting.seqs()).toEqual([4, 5]);
  });

  test("tells of a gap at once, also when nothing has happened since", async () => {
    await publish(2);
    const position = storage.log.locate({ seq: 9, epoch: undefined });
    const [waiting, collecting] = [wait({ position }), wait({ position, batchMs: 5000 })];
    await settle();
    expect(waiting.result).toMatchObject({ events: [], nextCursor: id(2), gap: { reason: "ahead_of_log" } });
    expect(collecting.result).toBeUndefined();
    await publish();
    await storage.clock.advance(5000);
    expect(collecting.seqs()).toEqual([3]);
    expect([collecting.result?.gap?.reason, storage.clock.pending()]).toEqual(["ahead_of_log", 0]);
  });

  test("that nobody waits for any more leaves nothing behind", async () => {
    wait();
    await settle();
    abort.abort();
    await settle();
    expect(storage.clock.pending()).toBe(0);
    await publish();
  });

  test("whose asker had gone before it began ends at once", async () => {
    abort.abort();
    const waiting = wait();
    await settle();
    expect(waiting.result?.events).toEqual([]);
    expect(storage.clock.pending()).toBe(0);
  });

  test("fails when the log cannot be read", async () => {
    await publish();
    storage.db.sqlite.run("ALTER TABLE events RENAME TO gone");
    const waiting = wait({ position: { seq: 0 } });
    await settle();
    expect(String(waiting.error)).toContain("no such table");
    expect(storage.clock.pending()).toBe(0);
    storage.db.sqlite.run("ALTER TABLE gone RENAME TO events");
  });

  test("one after the other, they bring every event once", async () => {
    await publish(7);
    const got: number[] = [];
    let cursor = 0;
    for (let polls = 0; got.length < 10; polls++) {
      const waiting = wait({ position: { seq: cursor }, limit: 2 });
      if (polls === 4) await publish(3);
      await storage.clock.advance(5);
      got.push(...(waiting.seqs() ?? []));
      cursor = Number(waiting.result?.nextCursor.split("-")[0]);
    }
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
