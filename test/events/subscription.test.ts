import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { systemActor } from "../../src/events/catalog.ts";
import { createFilter, everything } from "../../src/events/filter.ts";
import { Hub } from "../../src/events/hub.ts";
import type { EventDraft, Gap, Position, StoredEvent } from "../../src/events/log.ts";
import type { Sink } from "../../src/events/sink.ts";
import { Subscription } from "../../src/events/subscription.ts";
import { settle } from "../support/manual-clock.ts";
import { openStorage, type Storage } from "../support/storage.ts";

const slowMs = 60_000;

let storage: Storage;
let hub: Hub;

beforeEach(() => {
  storage = openStorage();
  hub = new Hub(storage.log, storage.clock);
});

afterEach(() => storage.close());

/** A wire that can fill up. */
class Wire implements Sink<readonly StoredEvent[]> {
  readonly encode = (events: readonly StoredEvent[]) => events;
  /** What came, in order: sequence numbers of events, and gaps. */
  readonly got: (number | Gap)[] = [];
  readonly snapshots: string[] = [];
  readonly failures: unknown[] = [];
  writes = 0;
  isFull = false;
  queued = 0;
  givenUp = 0;
  #full: PromiseWithResolvers<void> | undefined;

  write(events: readonly StoredEvent[]): Promise<void> | undefined {
    this.writes++;
    this.got.push(...events.map((event) => event.seq));
    if (!this.isFull) return undefined;
    this.queued = 1000;
    this.#full = Promise.withResolvers();
    return this.#full.promise;
  }

  snapshot(_name: string, text: string): void {
    this.snapshots.push(text);
  }

  gap(gap: Gap): void {
    this.got.push(gap);
  }

  untakenBytes(): number {
    return this.queued;
  }

  slow(): void {
    this.givenUp++;
  }

  failed(error: unknown): void {
    this.failures.push(error);
  }

  async drain(): Promise<void> {
    this.isFull = false;
    this.#full?.resolve();
    await settle();
  }

  async break(): Promise<void> {
    this.#full?.reject(new Error("the connection is gone"));
    await settle();
  }
}

function subscribe(filters = [everything], position: Position = { seq: storage.log.head() }) {
  const wire = new Wire();
  const { log, clock } = storage;
  const subscription = new Subscription(filters, position, { log, hub, clock, sink: wire, slowMs });
  subscription.start();
  return { wire, subscription };
}

const draftOf = (event: string, data: Record<string, unknown> = {}): EventDraft => ({
  event,
  data,
  subject: null,
  actor: systemActor,
});
const thing = draftOf("ThingHappened");
const progress = (jobId: string) => draftOf("JobProgress", { job_id: jobId });

/** Commits them together, and lets them be handed out. */
async function publish(...drafts: EventDraft[]): Promise<void> {
  await storage.writer.write((tx) => storage.log.append(tx, drafts));
  await storage.clock.advance(10);
}

async function prune(seq: number): Promise<void> {
  await storage.writer.write((tx) => storage.log.prune(tx, seq, 1000));
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("history, then live", () => {
  test("begins within the call, so that the first bytes of a stream may hold it", async () => {
    await publish(thing, thing);
    const { wire } = subscribe([everything], { seq: 0 });
    expect(wire.got).toEqual([1, 2]);
  });

  test("a long history is read in pages, between which others have their turn", async () => {
    for (let count = 0; count < 4; count++) await publish(...Array.from({ length: 500 }, () => thing));
    const { wire, subscription } = subscribe([everything], { seq: 0 });
    expect(wire.got.length).toBeLessThan(600);
    // What is published meanwhile comes after it.
    await publish(thing);
    await settle();
    expect(wire.got).toEqual(range(1, 2001));
    expect(subscription.position()).toBe(2001);
    await publish(thing);
    expect(wire.got.at(-1)).toBe(2002);
  });

  test("pages hold little text, however large the events", async () => {
    const big = draftOf("ThingHappened", { text: "x".repeat(60_000) });
    await publish(...Array.from({ length: 10 }, () => big));
    const { wire } = subscribe([everything], { seq: 0 });
    await settle();
    await settle();
    expect(wire.writes).toBeGreaterThanOrEqual(5);
    expect(wire.got).toEqual(range(1, 10));
  });

  test("a gap that the position tells of comes first", async () => {
    await publish(thing, thing, thing);
    await prune(1);
    const { wire } = subscribe([everything], storage.log.locate({ seq: 0, epoch: undefined }));
    expect(wire.got).toEqual([{ from: `0-${storage.log.epoch}`, to: `1-${storage.log.epoch}`, reason: "expired" }, 2, 3]);
  });

  test("nothing comes after it was stopped, also of a page that was about to be read", async () => {
    for (let count = 0; count < 3; count++) await publish(...Array.from({ length: 500 }, () => thing));
    const { wire, subscription } = subscribe([everything], { seq: 0 });
    const before = wire.got.length;
    subscription.stop();
    subscription.stop();
    await publish(thing);
    expect(wire.got).toHaveLength(before);
    expect(storage.clock.pending()).toBe(0);
  });
});

describe("a slow client", () => {
  test("gets everything in the end, and holds up nobody else", async () => {
    const slow = subscribe();
    const quick = subscribe();
    slow.wire.isFull = true;
    for (let count = 0; count < 5; count++) await publish(thing, thing);
    expect(slow.wire.got).toEqual([1, 2]);
    expect(quick.wire.got).toEqual(range(1, 10));
    await slow.wire.drain();
    expect(slow.wire.got).toEqual(range(1, 10));
    await publish(thing);
    expect(slow.wire.got).toEqual(range(1, 11));
  });

  test("is spared progress that is out of date, but not once it has caught up", async () => {
    const { wire } = subscribe();
    wire.isFull = true;
    await publish(progress("a"));
    await publish(progress("a"), progress("b"), progress("a"), draftOf("JobCompleted", { job_id: "b" }));
    await publish(progress("a"));
    await wire.drain();
    expect(wire.got).toEqual([1, 3, 5, 6]);
    await publish(progress("a"), progress("a"));
    expect(wire.got).toEqual([1, 3, 5, 6, 7, 8]);
  });

  test("gets all progress of the history: it is not behind, it asked for it", async () => {
    await publish(progress("a"), progress("a"), progress("a"));
    const { wire } = subscribe([everything], { seq: 0 });
    expect(wire.got).toEqual([1, 2, 3]);
  });

  test("is told what was removed from the log before it could read it", async () => {
    const { wire } = subscribe();
    wire.isFull = true;
    await publish(thing);
    await publish(thing, thing, thing, thing);
    await prune(3);
    await wire.drain();
    expect(wire.got).toEqual([1, { from: `1-${storage.log.epoch}`, to: `3-${storage.log.epoch}`, reason: "expired" }, 4, 5]);
  });

  test("is given up when it has taken nothing for too long", async () => {
    const { wire } = subscribe();
    wire.isFull = true;
    await publish(thing);
    await storage.clock.advance(slowMs);
    expect(wire.givenUp).toBe(0);
    await storage.clock.advance(1000);
    expect(wire.givenUp).toBe(1);
  });

  test("is not given up while it takes something now and then", async () => {
    const { wire } = subscribe();
    wire.isFull = true;
    await publish(thing);
    for (let left = 900; left >= 100; left -= 100) {
      wire.queued = left;
      await storage.clock.advance(slowMs - 1);
    }
    expect(wire.givenUp).toBe(0);
    // Looked at four times in that time: it is given up a quarter late at most.
    await storage.clock.advance(slowMs / 4 + 1);
    expect(wire.givenUp).toBe(1);
  });

  test("is not given up any more once it has taken all", async () => {
    const { wire } = subscribe();
    wire.isFull = true;
    await publish(thing);
    await wire.drain();
    await storage.clock.advance(slowMs * 3);
    expect(wire.givenUp).toBe(0);
    expect(storage.clock.pending()).toBe(0);
  });

  test("that goes away is forgotten", async () => {
    const { wire } = subscribe();
    wire.isFull = true;
    await publish(thing);
    await wire.break();
    await publish(thing);
    await storage.clock.advance(slowMs * 2);
    expect(wire.got).toEqual([1]);
    expect(wire.givenUp).toBe(0);
  });
});

describe("a snapshot", () => {
  test("that comes while older events are read is handed on at the head, the newest one, once", async () => {
    await publish(...Array.from({ length: 1200 }, () => thing));
    const { wire } = subscribe([everything], { seq: 0 });
    hub.snapshot("QueueStatus", "first");
    hub.snapshot("QueueStatus", "second");
    expect(wire.snapshots).toEqual([]);
    await settle();
    expect(wire.got).toHaveLength(1200);
    expect(wire.snapshots).toEqual(["second"]);
    hub.snapshot("QueueStatus", "third");
    await publish(thing);
    expect(wire.snapshots).toEqual(["second", "third"]);
  });

  test("that a slow client could not take follows when it has caught up", async () => {
    const { wire } = subscribe();
    hub.snapshot("QueueStatus", "before");
    wire.isFull = true;
    await publish(thing);
    hub.snapshot("QueueStatus", "meanwhile");
    await wire.drain();
    expect(wire.snapshots).toEqual(["before", "meanwhile"]);
    wire.isFull = true;
    await publish(thing);
    await wire.drain();
    expect(wire.snapshots).toEqual(["before", "meanwhile"]);
  });

  test("does not follow to those who did not ask for it, nor one from before they came", async () => {
    hub.snapshot("QueueStatus", "long ago");
    await publish(...Array.from({ length: 1200 }, () => thing));
    const [other, late] = [subscribe([createFilter({ topics: ["custom"] })], { seq: 0 }), subscribe()];
    hub.snapshot("QueueStatus", "now");
    await settle();
    expect(other.wire.snapshots).toEqual([]);
    expect(late.wire.snapshots).toEqual(["now"]);
  });
});

describe("adding and taking away filters", () => {
  test("a filter without since takes what comes from now on", async () => {
    await publish(thing);
    const { wire, subscription } = subscribe([createFilter({ topics: ["jobs"] })]);
    expect(subscription.add(createFilter({ topics: ["custom"] }))).toBe(true);
    expect(subscription.add(createFilter({ topics: ["custom"] }))).toBe(false);
    await publish(thing, progress("a"));
    expect(wire.got).toEqual([2, 3]);
  });

  test("a filter with since brings its history, and nothing of it twice", async () => {
    const { wire, subscription } = subscribe([createFilter({ topics: ["custom"] })]);
    await publish(thing, progress("a"), thing);
    expect(wire.got).toEqual([1, 3]);
    subscription.add(everything, { seq: 0 });
    await publish(thing);
    expect(wire.got).toEqual([1, 3, 2, 4]);
  });

  test("one that is added while history is read does not get it as well", async () => {
    for (let count = 0; count < 4; count++) await publish(...Array.from({ length: 300 }, () => thing), progress("a"));
    const { wire, subscription } = subscribe([createFilter({ topics: ["queue"] })]);
    await settle();
    subscription.add(createFilter({ topics: ["custom"] }), { seq: 0 });
    subscription.add(createFilter({ topics: ["jobs"] }));
    await settle();
    await publish(progress("a"), thing);
    expect(wire.got).toHaveLength(1202);
    expect(wire.got.slice(-2)).toEqual([1205, 1206]);
  });

  test("one that was taken away gets no more, and can ask again", async () => {
    const { wire, subscription } = subscribe([createFilter({ topics: ["custom"] }), createFilter({ topics: ["jobs"] })]);
    expect(subscription.remove(createFilter({ topics: ["custom"] }))).toBe(true);
    expect(subscription.remove(createFilter({ topics: ["custom"] }))).toBe(false);
    await publish(thing, progress("a"));
    subscription.removeAll();
    await publish(thing, progress("a"));
    expect(wire.got).toEqual([2]);
    expect(subscription.filters()).toEqual([]);
    subscription.add(createFilter({ topics: ["custom"] }), { seq: 0 });
    expect(wire.got).toEqual([2, 1, 3]);
  });

  test("one that made way for others brings nothing twice, however far back they reach", async () => {
    await publish(thing);
    const { wire, subscription } = subscribe([everything]);
    await publish(thing, progress("a"));
    subscription.add(createFilter({ topics: ["jobs"] }), { seq: 0 });
    subscription.giveWay(everything);
    await settle();
    await publish(thing);
    expect(wire.got).toEqual([2, 3]);
    subscription.add(createFilter({ topics: ["custom"] }), { seq: 0 });
    await settle();
    expect(wire.got).toEqual([2, 3, 1, 4]);
  });

  test("with a cursor that cannot be had tells of the gap", async () => {
    await publish(thing, thing);
    await prune(1);
    const { wire, subscription } = subscribe([createFilter({ topics: ["jobs"] })]);
    subscription.add(everything, storage.log.locate({ seq: 0, epoch: undefined }));
    expect(wire.got).toEqual([expect.objectContaining({ reason: "expired" }), 2]);
  });

  test("again and again, with history each time, stays bounded", async () => {
    for (let count = 0; count < 3; count++) await publish(...Array.from({ length: 500 }, () => thing));
    const { subscription } = subscribe([createFilter({ topics: ["jobs"] })]);
    const ask = async () => {
      for (let n = 0; n < 2000; n++) {
        subscription.add(createFilter({ noteIds: [`n${n}`] }), { seq: 0 });
        await new Promise((resolve) => setImmediate(resolve));
        if (n > 0) subscription.remove(createFilter({ noteIds: [`n${n - 1}`] }));
      }
    };
    await expect(ask()).rejects.toThrow("Too many subscriptions ask for older events");
    subscription.stop();
  });
});

describe("what the client knows of its position", () => {
  test("is behind while events pass that are not for it, until it is told", async () => {
    const { subscription } = subscribe([createFilter({ topics: ["custom"] })]);
    expect(subscription.isUntold()).toBe(false);
    await publish(progress("a"));
    expect(subscription.isUntold()).toBe(true);
    subscription.tell();
    expect(subscription.isUntold()).toBe(false);
    await publish(progress("a"), thing);
    expect(subscription.isUntold()).toBe(false);
    expect(subscription.position()).toBe(3);
  });

  test("is behind also where the history ended with what was not for it", async () => {
    await publish(thing, progress("a"));
    const { subscription, wire } = subscribe([createFilter({ topics: ["custom"] })], { seq: 0 });
    await settle();
    expect(wire.got).toEqual([1]);
    expect(subscription.isUntold()).toBe(true);
  });
});

test("a log that cannot be read ends the subscription, and says why", async () => {
  await publish(thing, thing);
  storage.db.sqlite.run("ALTER TABLE events RENAME TO gone");
  const { wire, subscription } = subscribe([everything], { seq: 0 });
  await settle();
  expect(wire.failures).toHaveLength(1);
  expect(String(wire.failures[0])).toContain("no such table");
  expect(wire.got).toEqual([]);
  subscription.stop();
  storage.db.sqlite.run("ALTER TABLE gone RENAME TO events");
});
