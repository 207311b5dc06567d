import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ClientError } from "../../src/client/errors.ts";
import { EventStream, type StreamOptions, type StreamState } from "../../src/client/stream.ts";
import type { StreamFrame } from "../../src/client/stream-connection.ts";
import type { StreamItem } from "../../src/client/stream-item.ts";
import { ManualClock } from "../support/manual-clock.ts";
import {
  broken,
  eventFrame,
  eventId,
  openedFrame,
  type Script,
  scriptedConnect,
  transientFrame,
} from "../support/scripted-connect.ts";

/** Follows scripted connections while time flies; ends after `count` items. */
async function follow(count: number, options: StreamOptions, ...scripts: Script[]) {
  const clock = new ManualClock();
  const server = scriptedConnect(...scripts);
  const states: StreamState[] = [];
  const stream = new EventStream(
    { ...options, onState: (state) => states.push(state) },
    { connect: server.connect, clock, random: () => 1 },
  );
  const items: StreamItem[] = [];
  let isOver = false;
  const read = (async () => {
    for await (const item of stream) if (items.push(item) >= count) break;
  })().finally(() => {
    isOver = true;
  });
  read.catch(() => {});
  while (!isOver) await clock.advance(30_000);
  return { items, states, server, clock, stream, ended: read };
}

const idsOf = (items: StreamItem[]) => items.flatMap((item) => (item.kind === "event" ? [item.id] : []));
const events = (...seqs: number[]): StreamFrame[] => seqs.map((seq) => eventFrame(eventId(seq)));

describe("a stream", () => {
  test("hands on the opening, then the events, then goes on after a break where it stood", async () => {
    const { items, server } = await follow(
      5,
      {},
      () => [[openedFrame("3-abc")], events(4, 5), broken()],
      ({ cursor }) => [[openedFrame(cursor ?? "")], events(6)],
    );
    expect(items.map(({ kind }) => kind)).toEqual(["opened", "event", "event", "opened", "event"]);
    expect(idsOf(items)).toEqual(["4-abc", "5-abc", "6-abc"]);
    expect(server.requests.map(({ cursor }) => cursor)).toEqual([undefined, "5-abc"]);
  });

  test("a connection that breaks before its first event resumes from where it was opened", async () => {
    const { server } = await follow(
      3,
      {},
      () => [[openedFrame("3-abc")]],
      () => [[openedFrame("3-abc")], events(4)],
    );
    expect(server.requests[1]?.cursor).toBe("3-abc");
  });

  test("asks with since until it has a cursor, and for the filter always", async () => {
    const { server } = await follow(
      3,
      { since: "10m", filter: { events: ["Job*", "NoteUpdated"], noteIds: ["n"] } },
      () => [broken()],
      () => [[openedFrame("3-abc")]],
      () => [[openedFrame("3-abc")], events(4)],
    );
    const filter = { events: "Job*,NoteUpdated", note_id: "n" };
    expect(server.requests.map(({ query }) => query)).toEqual([{ ...filter, since: "10m" }, { ...filter, since: "10m" }, filter]);
  });

  test("takes an id as since for its cursor from the beginning, so that a gap is not missed", async () => {
    const gap = transientFrame("StreamGap", { from: "7-old", to: "3-abc", reason: "other_epoch" }, "3-abc");
    const { items, server } = await follow(
      4,
      { since: "7-old" },
      () => [[openedFrame("3-abc")], broken()],
      () => [[openedFrame("3-abc"), gap, ...events(4)]],
    );
    expect(server.requests.map(({ cursor }) => cursor)).toEqual(["7-old", "7-old"]);
    expect(items[2]).toEqual({ kind: "gap", from: "7-old", to: "3-abc", reason: "other_epoch" });
    expect(idsOf(items)).toEqual(["4-abc"]);
  });

  test("hands on what a server repeats only once, and nothing out of order", async () => {
    const { items } = await follow(
      6,
      {},
      () => [[openedFrame("0-abc")], events(1, 2, 2, 1, 3)],
      () => [[openedFrame("1-abc")], events(2, 3, 4)],
    );
    expect(idsOf(items)).toEqual([1, 2, 3, 4].map((seq) => eventId(seq)));
  });

  test("a cursor moves where to resume, and is not handed on", async () => {
    const { items, server } = await follow(
      2,
      {},
      () => [[openedFrame("3-abc"), transientFrame("StreamCursor", { cursor: "90-abc" }, "90-abc")]],
      () => [[openedFrame("90-abc")]],
    );
    expect(items.map(({ kind }) => kind)).toEqual(["opened", "opened"]);
    expect(server.requests[1]?.cursor).toBe("90-abc");
  });

  test("events that the log gives anew after it lost its end are handed on", async () => {
    const { items } = await follow(
      5,
      { since: "9-abc" },
      () => [[openedFrame("9-abc")], events(10), broken()],
      () => [
        [
          openedFrame("5-abc"),
          transientFrame("StreamGap", { from: "10-abc", to: "5-abc", reason: "ahead_of_log" }, "5-abc"),
          ...events(6),
        ],
      ],
    );
    expect(idsOf(items)).toEqual(["10-abc", "6-abc"]);
  });

  test("hands on snapshots as such", async () => {
    const status = transientFrame("QueueStatus", { queue_depth: 1, pending: 1, running: 0, paused: false });
    const { items } = await follow(2, {}, () => [[openedFrame("1-abc"), status]]);
    expect(items[1]).toMatchObject({ kind: "snapshot", name: "QueueStatus", id: "" });
  });

  test("waits longer after every failure, and tells for how long", async () => {
    const { states } = await follow(
      2,
      {},
      () => [broken()],
      () => [broken()],
      () => [broken()],
      () => [[openedFrame("1-abc"), ...events(2)]],
    );
    expect(states.flatMap((state) => (state.state === "reconnecting" ? [state.delayMs] : []))).toEqual([250, 500, 1000]);
    expect(states.map(({ state }) => state).slice(-3)).toEqual(["connecting", "live", "closed"]);
  });

  test("comes back when the server said", async () => {
    const closing = transientFrame("StreamClosing", { reason: "draining", retry_ms: 4321 });
    const { states } = await follow(2, {}, () => [[openedFrame("1-abc"), closing]]);
    expect(states).toContainEqual({ state: "reconnecting", delayMs: 4321, error: undefined });
  });

  test("honours Retry-After", async () => {
    const busy = new ClientError("rate_limited", "Slow down.", { status: 429, retryAfterMs: 7000 });
    const { states } = await follow(
      1,
      {},
      () => [busy],
      () => [[openedFrame("1-abc")]],
    );
    expect(states).toContainEqual({ state: "reconnecting", delayMs: 7000, error: busy });
  });

  test.each([400, 401, 403, 404, 422])("a %i is final", async (status) => {
    const refusal = new ClientError("invalid", "No.", { status });
    const { ended, states } = await follow(1, {}, () => [refusal]);
    expect(await ended.catch((error: unknown) => error)).toBe(refusal);
    expect(states.at(-1)).toEqual({ state: "closed", error: refusal });
  });

  test.each([408, 429, 500, 502, 503])("a %i is not", async (status) => {
    const { items } = await follow(
      1,
      {},
      () => [new ClientError("overloaded", "Later.", { status })],
      () => [[openedFrame("1-abc")]],
    );
    expect(items).toHaveLength(1);
  });

  test("with failFast gives up when nobody is there at the start, and never later", async () => {
    const first = await follow(1, { failFast: true }, () => [broken()]);
    expect(await first.ended.catch((error: unknown) => error)).toMatchObject({ code: "unreachable" });
    const later = await follow(
      2,
      { failFast: true },
      () => [[openedFrame("1-abc")], broken()],
      () => [broken()],
      () => [[openedFrame("1-abc")]],
    );
    expect(later.items).toHaveLength(2);
  });

  test("ends without an error when its signal aborts, also in the middle of a wait", async () => {
    const stop = new AbortController();
    const clock = new ManualClock();
    const server = scriptedConnect(() => [broken()]);
    const stream = new EventStream({ signal: stop.signal }, { connect: server.connect, clock });
    const first = stream[Symbol.asyncIterator]().next();
    await clock.advance(0);
    stop.abort();
    expect(await first).toEqual({ done: true, value: undefined });
    expect(clock.pending()).toBe(0);
  });

  test("leaving the loop closes the connection", async () => {
    const { server, states } = await follow(2, {}, () => [[openedFrame("1-abc"), ...events(2, 3, 4)]]);
    expect(server.open.size).toBe(0);
    expect(states.at(-1)).toEqual({ state: "closed", error: undefined });
  });

  test("however it is cut and whatever is repeated, every event comes once and in order", async () => {
    const connection = fc.record({
      // How far before the cursor this server begins, how many events it sends per batch, and when it breaks.
      rewind: fc.nat(5),
      batch: fc.integer({ min: 1, max: 7 }),
      length: fc.nat(20),
      isClean: fc.boolean(),
      isRefused: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(connection, { maxLength: 12 }), async (connections) => {
        const total = 40;
        const scripts: Script[] = connections.map(({ rewind, batch, length, isClean, isRefused }) => ({ cursor }) => {
          if (isRefused) return [broken()];
          const from = Math.max(0, Number.parseInt(cursor ?? "0", 10) - rewind);
          const seqs = Array.from({ length: Math.min(length, total - from) }, (_, index) => from + index + 1);
          const batches = Array.from({ length: Math.ceil(seqs.length / batch) }, (_, index) =>
            events(...seqs.slice(index * batch, (index + 1) * batch)),
          );
          return [[openedFrame(cursor ?? "0-abc")], ...batches, ...(isClean ? [] : [broken()])];
        });
        const rest: Script = ({ cursor }) => {
          const from = Number.parseInt(cursor ?? "0", 10);
          return [
            [openedFrame(cursor ?? "0-abc")],
            events(...Array.from({ length: total - from }, (_, index) => from + index + 1)),
            [eventFrame("41-abc")],
          ];
        };
        const clock = new ManualClock();
        const stream = new EventStream({}, { connect: scriptedConnect(...scripts, rest).connect, clock: flying(clock) });
        const seen: string[] = [];
        for await (const item of stream) {
          if (item.kind === "event") seen.push(item.id);
          if (seen.length > total) break;
        }
        expect(seen).toEqual(Array.from({ length: total + 1 }, (_, index) => eventId(index + 1)));
      }),
      { numRuns: 200 },
    );
  });
});

/** A clock on which every wait is over at once. */
function flying(clock: ManualClock) {
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    after(_delayMs: number, task: () => void) {
      queueMicrotask(task);
      return () => {};
    },
  };
}
