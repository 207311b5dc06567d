import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { systemActor } from "../../src/events/catalog.ts";
import { Retention } from "../../src/events/retention.ts";
import { silentLogger } from "../../src/logger.ts";
import { settle } from "../support/manual-clock.ts";
import { openStorage, type Storage } from "../support/storage.ts";

const dayMs = 86_400_000;

let storage: Storage;
let retention: Retention;
let errors: string[];

beforeEach(() => {
  storage = openStorage();
  errors = [];
});

afterEach(async () => {
  await retention.stop();
  storage.close();
});

function start({
  keepMs = 7 * dayMs,
  keepEvents = 1_000_000,
  neededFrom = undefined as (() => number | undefined) | undefined,
} = {}): void {
  const { log, writer, clock } = storage;
  const logger = { ...silentLogger, error: (message: string) => errors.push(message) };
  retention = new Retention({ log, writer, clock, logger, keepMs, keepEvents, ...(neededFrom && { neededFrom }) });
  retention.start();
}

async function publish(count: number): Promise<void> {
  const drafts = Array.from({ length: count }, () => ({ event: "ThingHappened", data: {}, subject: null, actor: systemActor }));
  await storage.writer.write((tx) => storage.log.append(tx, drafts));
}

/** Until it has looked, and removed what it found. */
async function look(): Promise<void> {
  await storage.clock.advance(10_000);
  for (let round = 0; round < 20; round++) await settle();
}

const left = () => [storage.log.oldest(), storage.log.head()];

describe("retention", () => {
  test("removes what is older than it should be", async () => {
    const dayMs = 60_000;
    start({ keepMs: 7 * dayMs });
    await publish(3);
    await storage.clock.advance(dayMs);
    await publish(2);
    await storage.clock.advance(6 * dayMs - 1);
    expect(left()).toEqual([1, 5]);
    await storage.clock.advance(20_000);
    expect(left()).toEqual([4, 5]);
    await storage.clock.advance(dayMs);
    expect(left()).toEqual([6, 5]);
  });

  test("removes the oldest of what is too much, in steps between which others write", async () => {
    start({ keepEvents: 100 });
    await publish(2600);
    const removed: number[] = [];
    const looking = look();
    let others = 0;
    while (storage.log.oldest() <= 2500) {
      await storage.writer.write(() => others++);
      if (removed.at(-1) !== storage.log.oldest()) removed.push(storage.log.oldest());
    }
    await looking;
    expect(removed.length).toBeGreaterThan(3);
    expect(others).toBeGreaterThan(3);
    expect(left()).toEqual([2501, 2600]);
  });

  test("removes nothing that is fresh because the clock was wrong for a while", async () => {
    start();
    await publish(3);
    storage.clock.jump(-365 * dayMs);
    await publish(3);
    storage.clock.jump(365 * dayMs);
    await publish(3);
    await look();
    expect(left()).toEqual([1, 9]);
  });

  test("keeps what somebody still needs, but for thirty days at most", async () => {
    let needed: number | undefined = 3;
    start({ keepMs: 1000, neededFrom: () => needed });
    await publish(5);
    await storage.clock.advance(20_000);
    expect(left()).toEqual([3, 5]);
    needed = 5;
    await look();
    expect(left()).toEqual([5, 5]);
    storage.clock.jump(30 * dayMs);
    await look();
    expect(left()).toEqual([6, 5]);
    needed = undefined;
    await publish(1);
    await storage.clock.advance(20_000);
    expect(left()).toEqual([7, 6]);
  });

  test("that is stopped removes no more", async () => {
    start({ keepEvents: 1 });
    await publish(5000);
    const looking = look();
    await retention.stop();
    const oldest = storage.log.oldest();
    await looking;
    expect(storage.log.oldest()).toBe(oldest);
    expect(storage.clock.pending()).toBe(0);
  });

  test("goes on after a failure", async () => {
    start({ keepEvents: 1 });
    await publish(3);
    storage.db.sqlite.run("ALTER TABLE log_state RENAME TO gone");
    await look();
    expect(errors).toEqual(["retention failed"]);
    storage.db.sqlite.run("ALTER TABLE gone RENAME TO log_state");
    await publish(1);
    await look();
    expect(left()).toEqual([4, 4]);
    expect(storage.db.sqlite.query("SELECT count(*) AS n FROM events").get()).toEqual({ n: 1 });
  });
});
