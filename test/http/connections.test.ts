import { beforeEach, expect, test } from "bun:test";
import { everything } from "../../src/events/filter.ts";
import { type CloseReason, type Connection, Connections, comeBackMs } from "../../src/http/connections.ts";
import { ManualClock } from "../support/manual-clock.ts";

class Stream implements Connection {
  readonly transport = "sse";
  readonly openedAtMs = Date.UTC(2026, 1, 5, 10);
  readonly beats: number[] = [];
  readonly closed: [CloseReason, number][] = [];

  constructor(
    readonly id: string,
    private readonly all: Connections,
    readonly address = "10.0.0.1",
  ) {
    all.add(this);
  }

  filters() {
    return [everything];
  }

  position(): number {
    return 3;
  }

  queuedBytes(): number {
    return 7;
  }

  lastPongAtMs(): null {
    return null;
  }

  beat(nowMs: number): void {
    this.beats.push(nowMs);
  }

  close(reason: CloseReason, retryMs: number): void {
    this.closed.push([reason, retryMs]);
    this.all.remove(this, reason);
  }
}

let clock: ManualClock;
let connections: Connections;

beforeEach(() => {
  clock = new ManualClock();
  connections = new Connections(clock, { head: () => 10, idOf: (seq) => `${seq}-abc` }, 2);
});

test("each is looked after once a second, from the start to the end", async () => {
  const stream = new Stream("a", connections);
  await clock.advance(5000);
  expect(stream.beats).toEqual([]);
  connections.start();
  await clock.advance(3000);
  expect(stream.beats).toEqual([6000, 7000, 8000]);
  connections.stop();
  await clock.advance(3000);
  expect(stream.beats).toHaveLength(3);
  expect(clock.pending()).toBe(0);
});

test("one that ends while all are looked after harms none of the others", async () => {
  connections.start();
  const [first, second, third] = ["a", "b", "c"].map((id) => new Stream(id, connections));
  if (first) first.beat = () => second?.close("heartbeat", 0);
  await clock.advance(1000);
  expect(third?.beats).toEqual([1000]);
  connections.stop();
});

test("there is room until there are as many as may be, in all and from one address", () => {
  connections = new Connections(clock, { head: () => 10, idOf: (seq) => `${seq}-abc` }, 3, 2);
  const [first] = [new Stream("a", connections), new Stream("b", connections)];
  expect(connections.fullFor("10.0.0.1")).toBe("connections_per_address");
  expect(connections.fullFor("10.0.0.2")).toBeUndefined();
  new Stream("c", connections, "10.0.0.2");
  expect(connections.fullFor("10.0.0.3")).toBe("connections");
  expect(connections.count()).toEqual({ sse: 3, ws: 0, ndjson: 0 });
  first.close("client", 0);
  connections.remove(first, "client");
  expect(connections.fullFor("10.0.0.1")).toBeUndefined();
});

test("whoever watches hears once of the end of one that was told of its beginning, and why", async () => {
  const heard: unknown[] = [];
  connections.onWord((name, data) => heard.push([name, data]));
  const [told, untold] = [new Stream("a", connections), new Stream("b", connections)];
  const hello = {
    connection_id: "a",
    transport: "sse",
    cursor: "3-abc",
    oldest: "1-abc",
    head: "10-abc",
    resumed: false,
    heartbeat_seconds: 15,
  } as const;
  expect(JSON.parse(connections.word("ConnectionOpened", hello, "a"))).toMatchObject({ event: "ConnectionOpened", data: hello });
  await clock.advance(2500);
  told.close("heartbeat", 0);
  connections.remove(told, "client");
  untold.close("client", 0);
  expect(heard).toEqual([
    ["ConnectionOpened", hello],
    ["ConnectionClosed", { connection_id: "a", transport: "sse", reason: "heartbeat", duration_ms: 2500 }],
  ]);
});

test("all are listed, and told when it ends, each with a time of its own", () => {
  const streams = ["a", "b"].map((id) => new Stream(id, connections));
  expect(connections.list()[0]).toEqual({
    id: "a",
    transport: "sse",
    opened_at: "2026-02-05T10:00:00.000Z",
    filters: [{ events: [], topics: [], note_ids: [], job_ids: [] }],
    cursor: "3-abc",
    lag: 7,
    queued_bytes: 7,
    last_pong_at: null,
  });
  connections.closeAll("draining");
  expect(streams.map(({ closed }) => closed[0]?.[0])).toEqual(["draining", "draining"]);
  expect(connections.list()).toEqual([]);
});

test("the times to come back are spread over seconds", () => {
  const times = Array.from({ length: 500 }, comeBackMs);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...times)).toBeLessThanOrEqual(5500);
  expect(new Set(times).size).toBeGreaterThan(300);
});
