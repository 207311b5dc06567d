import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { systemActor } from "../../src/events/catalog.ts";
import { createFilter, everything, type Filter, type FilterInput } from "../../src/events/filter.ts";
import { Hub } from "../../src/events/hub.ts";
import type { EventDraft, StoredEvent } from "../../src/events/log.ts";
import type { Encode, Sink } from "../../src/events/sink.ts";
import { Subscription } from "../../src/events/subscription.ts";
import { settle } from "../support/manual-clock.ts";
import { openStorage, type Storage } from "../support/storage.ts";

let storage: Storage;
let hub: Hub;
/** How often a batch was encoded, and of how many events. */
let encoded: number[];

beforeEach(() => {
  storage = openStorage();
  hub = new Hub(storage.log, storage.clock);
  encoded = [];
});

afterEach(() => storage.close());

const encode: Encode<string[]> = (events) => {
  encoded.push(events.length);
  return events.map((event) => event.id);
};

/** Takes everything at once, and remembers it. */
class Listener implements Sink<string[]> {
  readonly encode = encode;
  readonly writes: string[][] = [];
  readonly snapshots: string[] = [];

  /** Set, it takes what it is given, and no more until then. */
  full: Promise<void> | undefined;

  write(chunk: string[]): Promise<void> | undefined {
    this.writes.push(chunk);
    return this.full;
  }

  snapshot(_name: string, text: string): void {
    this.snapshots.push(text);
  }

  gap(): void {}

  untakenBytes(): number {
    return 0;
  }

  slow(): void {}
  failed(): void {}

  seqs(): number[] {
    return this.writes.flat().map((id) => Number(id.split("-")[0]));
  }
}

function listen(...filters: Filter[]) {
  const sink = new Listener();
  const { log, clock } = storage;
  const subscription = new Subscription(filters, { seq: log.head() }, { log, hub, clock, sink, slowMs: 1000 });
  subscription.start();
  return { sink, subscription };
}

const thing = (event = "ThingHappened", data: Record<string, unknown> = {}): EventDraft => ({
  event,
  data,
  subject: null,
  actor: systemActor,
});

async function publish(...drafts: EventDraft[]): Promise<StoredEvent[]> {
  const events = await storage.writer.write((tx) => storage.log.append(tx, drafts));
  await settle();
  return events;
}

const filter = (input: FilterInput) => createFilter(input);

describe("an event", () => {
  test("is encoded once for all who want the same, however they spelled it", async () => {
    const listeners = [
      ...Array.from({ length: 50 }, () => listen(filter({ events: ["JobFailed", "NoteUpdated"], topics: ["jobs"] }))),
      ...Array.from({ length: 50 }, () => listen(filter({ topics: ["jobs"], events: ["note.updated", "job.failed"] }))),
    ];
    await publish(thing("JobFailed", { job_id: "j" }));
    expect(encoded).toEqual([1]);
    for (const { sink } of listeners) expect(sink.seqs()).toEqual([1]);
  });

  test("reaches a subscriber once, however many of its filters and topics it meets", async () => {
    const { sink } = listen(
      filter({ topics: ["jobs", "job:j", "note:n"] }),
      filter({ events: ["Job*", "J*", "JobFailed"] }),
      filter({ noteIds: ["n"], jobIds: ["j"] }),
      everything,
    );
    await publish(thing("JobFailed", { job_id: "j", note_id: "n" }), thing("JobFailed", { job_id: "j", note_id: "n" }));
    expect(sink.seqs()).toEqual([1, 2]);
  });

  test("finds the one filter that wants it among a thousand", async () => {
    const listeners = Array.from({ length: 1000 }, (_, n) => listen(filter({ noteIds: [`n${n}`] })));
    const [event] = await publish(thing("NoteUpdated", { note_id: "n617", version: 1 }));
    expect(encoded).toEqual([1]);
    expect(listeners.map(({ sink }) => sink.seqs().length)).toEqual(Array.from({ length: 1000 }, (_, n) => (n === 617 ? 1 : 0)));
    for (const { subscription } of listeners) expect(subscription.position()).toBe(event?.seq ?? 0);
  });

  test("finds all of a thousand distinct filters that want it", async () => {
    const listeners = Array.from({ length: 1000 }, (_, n) =>
      listen(filter({ events: ["Job*", `Custom${n}Happened`], topics: n % 2 ? ["jobs", "custom"] : [] })),
    );
    await publish(thing("JobFailed", { job_id: "j" }), thing("Custom7Happened"), thing("NoteUpdated", { note_id: "n" }));
    expect(listeners.map(({ sink }) => sink.seqs().join())).toEqual(
      Array.from({ length: 1000 }, (_, n) => (n === 7 ? "1,2" : "1")),
    );
  });

  test("is not matched or encoded for those who have gone", async () => {
    const first = listen(everything);
    const second = listen(everything);
    first.subscription.stop();
    await publish(thing());
    expect(encoded).toEqual([1]);
    second.subscription.stop();
    await publish(thing());
    expect(encoded).toEqual([1]);
    const third = listen(everything);
    await publish(thing());
    await storage.clock.advance(5);
    expect([first, second, third].map(({ sink }) => sink.seqs())).toEqual([[], [1], [3]]);
  });

  test("is not given to those who go while it waits to be handed out", async () => {
    const { sink, subscription } = listen(everything);
    const other = listen(everything);
    await storage.writer.write((tx) => storage.log.append(tx, [thing()]));
    subscription.stop();
    await settle();
    expect(sink.seqs()).toEqual([]);
    expect(other.sink.seqs()).toEqual([1]);
  });
});

describe("handing out", () => {
  test("an event that comes alone leaves at once, those that follow closely leave together", async () => {
    const { sink } = listen(everything);
    await publish(thing());
    expect(sink.writes).toHaveLength(1);
    await publish(thing());
    await publish(thing());
    expect(sink.writes).toHaveLength(1);
    await storage.clock.advance(2);
    expect(sink.writes.map((write) => write.length)).toEqual([1, 2]);
    await storage.clock.advance(100);
    await publish(thing());
    expect(sink.writes.map((write) => write.length)).toEqual([1, 2, 1]);
  });

  test("waits for five milliseconds at most, however many come", async () => {
    const { sink } = listen(everything);
    await publish(...Array.from({ length: 500 }, () => thing()));
    await publish(thing());
    await storage.clock.advance(5);
    expect(sink.writes.map((write) => write.length)).toEqual([500, 1]);
  });

  test("leaves no timer behind when nobody listens any more", async () => {
    const { subscription } = listen(everything);
    await publish(thing());
    await publish(thing());
    subscription.stop();
    await storage.clock.advance(10);
    expect(storage.clock.pending()).toBe(0);
    expect(hub.position()).toBe(2);
  });

  test("much at once leaves in pieces, each encoded once for all; one that is full after the first reads on from the log", async () => {
    const listeners = Array.from({ length: 10 }, () => listen(everything));
    const slow = listen(everything);
    const drained = Promise.withResolvers<void>();
    slow.sink.full = drained.promise;
    const text = "x".repeat(60_000);
    await publish(...Array.from({ length: 20 }, () => thing("ThingHappened", { text })));
    await storage.clock.advance(10);
    expect(encoded).toEqual([4, 4, 4, 4, 4]);
    expect(slow.sink.seqs()).toEqual([1, 2, 3, 4]);
    expect(slow.subscription.position()).toBe(4);
    slow.sink.full = undefined;
    drained.resolve();
    await settle();
    await settle();
    for (const { sink, subscription } of [...listeners, slow]) {
      expect(sink.seqs()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      expect(subscription.position()).toBe(20);
    }
  });
});

describe("a snapshot", () => {
  test("goes to those whose filter takes its name and topic, and to nobody for whom it is not", () => {
    const listeners = [
      everything,
      filter({ topics: ["queue"] }),
      filter({ events: ["QueueStatus"] }),
      filter({ topics: ["jobs"] }),
      filter({ noteIds: ["n"] }),
    ].map((one) => listen(one));
    hub.snapshot("QueueStatus", "now");
    expect(listeners.map(({ sink }) => sink.snapshots)).toEqual([["now"], ["now"], ["now"], [], []]);
  });

  test("that speaks of one connection goes to nobody else", () => {
    const { sink } = listen(everything);
    hub.snapshot("ConnectionOpened", "hello");
    expect(sink.snapshots).toEqual([]);
  });
});
