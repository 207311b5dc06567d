import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { systemActor } from "../../src/events/catalog.ts";
import { createFilter, everything } from "../../src/events/filter.ts";
import { readHistory } from "../../src/events/history.ts";
import type { EventLog } from "../../src/events/log.ts";
import { openStorage, type Storage } from "../support/storage.ts";

let storage: Storage;

beforeEach(() => {
  storage = openStorage();
});

afterEach(() => storage.close());

/** One event of each of these names. */
async function publish(names: readonly string[], data = {}): Promise<void> {
  await storage.writer.write((tx) =>
    storage.log.append(
      tx,
      names.map((event) => ({ event, data, subject: null, actor: systemActor })),
    ),
  );
}

const many = (count: number, name = "ThingHappened") => Array.from({ length: count }, () => name);

/** All pages, one after the other. */
async function walk(query: { events?: string[]; after: number; before?: number; limit: number }): Promise<number[][]> {
  const { events = [], before } = query;
  const filter = createFilter({ events });
  const pages: number[][] = [];
  for (let after = query.after; ; ) {
    const page = await readHistory(storage.log, {
      filter,
      after,
      limit: query.limit,
      ...(before === undefined ? {} : { before }),
    });
    pages.push(page.events.map(({ seq }) => seq));
    if (page.isEnd) return pages;
    after = page.position;
  }
}

describe("the history", () => {
  test("has fewer events in a page when they are very large, and misses none", async () => {
    for (let count = 0; count < 12; count++) await publish(many(50), { text: "x".repeat(60_000) });
    const pages = await walk({ after: 0, limit: 500 });
    expect(pages.flat()).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
    // Those that the page and agents ask for at once always fit.
    expect(pages.slice(0, -1).every(({ length }) => length >= 200 && length < 300)).toBe(true);
  });

  test("comes in pages, oldest first, the last of which says so", async () => {
    await publish(many(7));
    expect(await walk({ after: 0, limit: 3 })).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    expect(await walk({ after: 1, limit: 3 })).toEqual([
      [2, 3, 4],
      [5, 6, 7],
    ]);
    expect(await walk({ after: 0, before: 5, limit: 2 })).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await walk({ after: 3, before: 4, limit: 2 })).toEqual([[]]);
    expect(await walk({ after: 9, limit: 2 })).toEqual([[]]);
  });

  test("of an empty log is empty", async () => {
    expect(await walk({ after: 0, limit: 2 })).toEqual([[]]);
  });

  test("finds a rare event behind thousands of others, and lets others have their turn meanwhile", async () => {
    await publish([...many(9000), "RareHappened", ...many(3000), "RareHappened"]);
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    expect(await walk({ events: ["RareHappened"], after: 0, limit: 1 })).toEqual([[9001], [12_002]]);
    isDone = true;
    expect(turns).toBeGreaterThan(4);
  });

  test("holds little in memory at once, however large the events", async () => {
    for (let count = 0; count < 10; count++) await publish(many(10, "BigHappened"), { text: "x".repeat(60_000) });
    let most = 0;
    const watched: Pick<EventLog, "head" | "readAfter"> = {
      head: () => storage.log.head(),
      readAfter(seq, limit, charsMax) {
        const events = storage.log.readAfter(seq, limit, charsMax);
        most = Math.max(
          most,
          events.reduce((sum, { text }) => sum + text.length, 0),
        );
        return events;
      },
    };
    const page = await readHistory(watched as EventLog, {
      filter: createFilter({ events: ["RareHappened"] }),
      after: 0,
      limit: 1,
    });
    expect(page).toMatchObject({ events: [], position: 100, isEnd: true });
    expect(most).toBeLessThan(2_000_000);
  });

  test("stops when nobody waits for it any more", async () => {
    await publish(many(5000));
    const abort = new AbortController();
    abort.abort();
    const page = await readHistory(storage.log, { filter: everything, after: 0, limit: 500, signal: abort.signal });
    expect(page.events).toEqual([]);
  });

  test("yields everything that was asked for exactly once, whatever the pages", async () => {
    const names = ["ThingHappened", "OtherHappened", "RareHappened"];
    await publish(Array.from({ length: 200 }, (_, index) => names[(index * 7) % 5] ?? "ThingHappened"));
    await storage.writer.write((tx) => storage.log.prune(tx, 20, 100));
    const all = storage.log.readAfter(0, 1000);
    const query = fc.record({ events: fc.subarray(names), after: fc.nat({ max: 210 }), limit: fc.integer({ min: 1, max: 60 }) });
    await fc.assert(
      fc.asyncProperty(query, fc.option(fc.nat({ max: 210 }), { nil: undefined }), async (asked, before) => {
        const pages = await walk({ ...asked, ...(before === undefined ? {} : { before }) });
        const wanted = all.filter(
          ({ seq, name }) =>
            seq > asked.after && seq < (before ?? 999) && (asked.events.length === 0 || asked.events.includes(name)),
        );
        expect(pages.flat()).toEqual(wanted.map(({ seq }) => seq));
        for (const page of pages.slice(0, -1)) expect(page).toHaveLength(asked.limit);
        if (pages.length > 1) expect(pages.at(-1)?.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});
