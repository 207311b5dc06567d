import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import type { Config } from "../../src/config.ts";
import { ConnectionInfo } from "../../src/http/connections.ts";
import { Problem } from "../../src/http/problem.ts";
import { ByteStream, briefly, dataOf } from "../support/byte-stream.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Ids = Type.Object({ items: Type.Array(Type.Object({ id: Type.String() })) });
const Connections = Type.Object({ items: Type.Array(ConnectionInfo), next_cursor: Type.Null() });

let clock: ManualClock;
let app: TestApp;
let streams: ByteStream[];
/** The present life of the log. */
let epoch: string;

async function start(config: Partial<Config> = {}): Promise<void> {
  app = await startApp(config, { clock });
  const stream = await ByteStream.open(`${app.url}/api/v1/events`);
  epoch = String(dataOf(await stream.frame()).data.cursor).split("-")[1] ?? "";
  stream.close();
  await listeners(0);
}

beforeEach(async () => {
  clock = new ManualClock();
  streams = [];
  await start();
});

afterEach(async () => {
  for (const stream of streams) stream.close();
  await app.stop();
});

async function open(query = "", headers: Record<string, string> = {}): Promise<ByteStream> {
  const stream = await ByteStream.open(`${app.url}/api/v1/events${query}`, headers);
  streams.push(stream);
  return stream;
}

/** Publishes so many events in one request, and lets them be handed out. */
async function publish(count = 1, event = "ThingHappened", data: Record<string, unknown> = {}): Promise<string[]> {
  const body = Array.from({ length: count }, (_, n) => ({ event, data: { ...data, n } }));
  const { body: answer } = await app.call(Ids, "POST", "/events", { body });
  await clock.advance(10);
  return answer.items.map(({ id }) => id);
}

async function connections(): Promise<ConnectionInfo[]> {
  return (await app.call(Connections, "GET", "/connections")).body.items;
}

/** Resolves when so many streams are open. */
async function listeners(count: number): Promise<void> {
  await eventually(async () => (await connections()).length === count);
}

const id = (seq: number) => `${seq}-${epoch}`;

describe("the bytes of a stream", () => {
  test("begin at once with a hello, then come the events, then a comment every 15 seconds", async () => {
    const stream = await open();
    expect(stream.response.status).toBe(200);
    expect(Object.fromEntries(stream.response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    const hello = await stream.frame();
    expect(hello.replace(/"connection_id":"[0-9a-f-]{36}"/, '"connection_id":"ID"').replace(/retry: 1\d{3}$/, "retry: N")).toBe(
      [
        "event: ConnectionOpened",
        `data: {"event":"ConnectionOpened","time":"2026-02-05T10:30:00.000Z","subject":null,"actor":{"kind":"system","id":null},"data":{"connection_id":"ID","transport":"sse","cursor":"${id(0)}","oldest":"${id(1)}","head":"${id(0)}","resumed":false,"heartbeat_seconds":15}}`,
        `id: ${id(0)}`,
        "retry: N",
      ].join("\n"),
    );
    await publish(2);
    const event = (seq: number) =>
      `event: ThingHappened\ndata: {"id":"${id(seq)}","event":"ThingHappened","time":"2026-02-05T10:30:00.000Z","subject":null,"actor":{"kind":"user","id":null},"data":{"n":${seq - 1}}}\nid: ${id(seq)}`;
    expect(await stream.frames(2)).toEqual([event(1), event(2)]);
    await clock.advance(14_990);
    expect(stream.text).toBe("");
    for (let beats = 0; beats < 3; beats++) {
      expect(await stream.frame()).toBe(": heartbeat");
      expect(stream.text).toBe("");
      await clock.advance(15_000);
    }
  });

  test("are the same as the history's, for the event itself", async () => {
    const [first] = await publish();
    const stream = await open("?since=earliest");
    const [, frame = ""] = await stream.frames(2);
    const data = /^data: (.*)$/m.exec(frame)?.[1] ?? "";
    expect(await (await app.fetch(`/api/v1/events/${first}`)).text()).toBe(data);
    const page = await (await app.fetch("/api/v1/events", { headers: { accept: "application/json" } })).text();
    expect(page).toBe(`{"items":[${data}],"next_cursor":null}`);
  });

  test("as lines of JSON: the hello, the events, and the cursor as heartbeat", async () => {
    const stream = await open("", { accept: "application/x-ndjson" });
    expect(stream.response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(JSON.parse(await stream.until("\n"))).toMatchObject({ event: "ConnectionOpened", data: { transport: "ndjson" } });
    await publish();
    expect(JSON.parse(await stream.until("\n"))).toMatchObject({ id: id(1), event: "ThingHappened" });
    await clock.advance(16_000);
    expect(JSON.parse(await stream.until("\n"))).toMatchObject({ event: "StreamCursor", data: { cursor: id(1) } });
  });
});

describe("where a stream begins", () => {
  beforeEach(async () => {
    for (let minute = 0; minute < 5; minute++) {
      await publish();
      clock.jump(60_000);
    }
  });

  /** The events that come before the one that is published now. */
  async function history(query: string, headers: Record<string, string> = {}): Promise<string[]> {
    const stream = await open(query, headers);
    await publish(1, "MarkHappened");
    const frames: string[] = [];
    for (;;) {
      const frame = await stream.frame();
      if (frame.startsWith("event: MarkHappened")) return briefly(frames);
      frames.push(frame);
    }
  }

  const things = (...seqs: number[]) => seqs.map((seq) => `ThingHappened ${seq}`);

  test.each([
    ["", {}, "ConnectionOpened 5", []],
    ["?since=latest", {}, "ConnectionOpened 5", []],
    ["?since=earliest", {}, "ConnectionOpened 0", [1, 2, 3, 4, 5]],
    ["?since=3", {}, "ConnectionOpened 3", [4, 5]],
    ["?since=150s", {}, "ConnectionOpened 3", [4, 5]],
    ["?since=2026-02-05T10:33:00Z", {}, "ConnectionOpened 3", [4, 5]],
    ["?since=2026-02-05T11:33:00%2B01:00", {}, "ConnectionOpened 3", [4, 5]],
    ["?last_event_id=3", {}, "ConnectionOpened 3", [4, 5]],
    ["?lastEventId=3", {}, "ConnectionOpened 3", [4, 5]],
    ["", { "last-event-id": "3" }, "ConnectionOpened 3", [4, 5]],
    ["?last_event_id=2&lastEventId=4&since=1", { "last-event-id": "3" }, "ConnectionOpened 4", [5]],
    ["?since=earliest", { "last-event-id": "4" }, "ConnectionOpened 4", [5]],
    ["?last_event_id=2", { "last-event-id": "" }, "ConnectionOpened 2", [3, 4, 5]],
    ["?since=&last_event_id=", {}, "ConnectionOpened 5", []],
    ["?since=2&since=4", {}, "ConnectionOpened 4", [5]],
  ])("%s with %j", async (query, headers, hello, seqs) => {
    expect(await history(query, headers)).toEqual([hello, ...things(...seqs)]);
  });

  test("a cursor with its epoch is as good, and the hello says that the stream goes on from it", async () => {
    const stream = await open("", { "last-event-id": id(4) });
    const [hello = "", event = ""] = await stream.frames(2);
    expect(dataOf(hello).data).toMatchObject({ cursor: id(4), head: id(5), resumed: true });
    expect(briefly([event])).toEqual(["ThingHappened 5"]);
  });

  test.each([
    ["999", { from: 999, to: 5, reason: "ahead_of_log" }, []],
    ["3-zzzzzz", { from: "3-zzzzzz", to: 0, reason: "other_epoch" }, [1, 2, 3, 4, 5]],
  ])(
    "a cursor that cannot be had (%s) is told as a gap, whose id is where it goes on",
    async (cursor, { from, to, reason }, seqs) => {
      const stream = await open("", { "last-event-id": cursor });
      const [hello = "", gap = "", ...events] = await stream.frames(2 + seqs.length);
      expect(dataOf(hello).data).toMatchObject({ cursor: id(to), resumed: false });
      expect(dataOf(gap)).toMatchObject({
        event: "StreamGap",
        data: { from: typeof from === "number" ? id(from) : from, to: id(to), reason },
      });
      expect(gap).toEndWith(`\nid: ${id(to)}`);
      expect(briefly(events)).toEqual(things(...seqs));
    },
  );

  test.each([
    "?since=yesterday",
    "?last_event_id=x",
    "?since=1-A",
    "?events=NoteUpdatd",
    "?topics=nots",
    "?batch_ms=1.5",
    "?batch_ms=99999999",
    "?batch_ms=-1",
    "?event=NoteUpdated",
    "?note=0197",
    "?noteId=0197",
    "?Topics=jobs",
    "?transport=polling",
  ])("what cannot be understood is refused before the stream begins: %s", async (query) => {
    const { status, body } = await app.call(Problem, "GET", `/events${query}`, { headers: { accept: "text/event-stream" } });
    expect(status).toBe(422);
    expect(body.code).toBe("invalid");
    expect(body.field).toBe(/\?(\w+)=/.exec(query)?.[1] === "since" ? body.field : (/\?(\w+)=/.exec(query)?.[1] ?? ""));
  });

  test("a parameter that others add is let be", async () => {
    for (const query of ["?_=1732522800", "?cb=7&access=x&events=ThingHappened", "?wait_seconds=&transport="]) {
      const stream = await open(query);
      const [hello = ""] = await stream.frames(1);
      expect(dataOf(hello).event).toBe("ConnectionOpened");
    }
    expect((await app.fetch("/api/v1/events?_=1", { headers: { accept: "application/json" } })).status).toBe(200);
  });

  test("a header that is no cursor is refused as well, and named", async () => {
    const { status, body } = await app.call(Problem, "GET", "/events", { headers: { "last-event-id": "nonsense" } });
    expect([status, body.field]).toEqual([422, "last_event_id"]);
  });
});

describe("a filtered stream", () => {
  test("gets what passes, in any spelling of the filter", async () => {
    const stream = await open("?events=thing.happened,OtherHappened&events=Job*&topics=custom");
    await stream.frame();
    await publish(1);
    await publish(1, "ThirdHappened");
    await publish(1, "OtherHappened");
    expect(briefly(await stream.frames(2))).toEqual(["ThingHappened 1", "OtherHappened 3"]);
  });

  test("is told its cursor beside the heartbeat when only others' events have passed", async () => {
    const stream = await open("?events=RareHappened");
    await stream.frame();
    await clock.advance(15_000);
    expect(await stream.frame()).toBe(": heartbeat");
    await publish(3);
    await clock.advance(15_000);
    expect(await stream.frame()).toBe(": heartbeat");
    expect(await stream.frame()).toBe(
      `event: StreamCursor\ndata: {"event":"StreamCursor","time":"2026-02-05T10:30:30.000Z","subject":null,"actor":{"kind":"system","id":null},"data":{"cursor":"${id(3)}"}}\nid: ${id(3)}`,
    );
    await clock.advance(15_000);
    expect(await stream.frame()).toBe(": heartbeat");
  });
});

describe("a stream in batches", () => {
  test("holds events back and sends them together", async () => {
    const stream = await open("?batch_ms=5000");
    await stream.frame();
    await publish();
    await clock.advance(2000);
    await publish(2);
    await clock.advance(2900);
    expect(stream.text).toBe("");
    await clock.advance(100);
    expect(briefly(await stream.frames(3))).toEqual(["ThingHappened 1", "ThingHappened 2", "ThingHappened 3"]);
  });

  test("sends a large batch early", async () => {
    const stream = await open("?batch_ms=60000");
    await stream.frame();
    await publish(3, "BigHappened", { text: "x".repeat(30_000) });
    expect(await stream.frames(3)).toHaveLength(3);
  });

  test("keeps the order when the server tells its cursor or closes in between", async () => {
    const stream = await open("?batch_ms=60000&events=ThingHappened");
    await stream.frame();
    await publish();
    await publish(1, "OtherHappened");
    await clock.advance(15_000);
    expect(await stream.frame()).toBe(": heartbeat");
    expect(briefly(await stream.frames(2))).toEqual(["ThingHappened 1", "StreamCursor 2"]);
    await publish();
    const stopped = app.stop();
    expect(briefly((await stream.rest()).trim().split("\n\n"))).toEqual(["ThingHappened 3", "StreamClosing"]);
    await stopped;
    await start();
  });

  test("that the client leaves forgets what it held", async () => {
    const stream = await open("?batch_ms=60000");
    await stream.frame();
    await publish();
    const before = clock.pending();
    stream.close();
    await listeners(0);
    expect(clock.pending()).toBe(before - 1);
  });
});

describe("when there is no room, or no time", () => {
  test("a stream too many is told to come back, with a status that a browser does not give up at", async () => {
    await app.stop();
    await start({ connectionsMax: 2 });
    const [first] = [await open(), await open()];
    await first?.frame();
    await listeners(2);
    const third = await open();
    expect(third.response.status).toBe(200);
    const closing = await third.rest();
    expect(closing).toMatch(/^event: StreamClosing\ndata: \{.*"data":\{"reason":"draining","retry_ms":\d+\}\}\nretry: \d+\n\n$/);
    expect(/retry: (\d+)/.exec(closing)?.[1]).toBe(String(dataOf(closing).data.retry_ms));
    const lines = await open("", { accept: "application/x-ndjson" });
    expect(JSON.parse(await lines.rest())).toMatchObject({ event: "StreamClosing", data: { reason: "draining" } });
    first?.close();
    await listeners(1);
    expect(briefly([await (await open()).frame()])).toEqual(["ConnectionOpened 0"]);
  });

  test("every stream is told when the server shuts down, each with a time of its own to come back", async () => {
    const open20 = await Promise.all(
      Array.from({ length: 20 }, (_, n) => open("", n % 2 ? { accept: "application/x-ndjson" } : {})),
    );
    await listeners(20);
    const stopped = app.stop();
    const retries = new Set<number>();
    for (const [n, stream] of open20.entries()) {
      const text = await stream.rest();
      const last = n % 2 ? JSON.parse(text.trim().split("\n").at(-1) ?? "") : dataOf(text.trim().split("\n\n").at(-1) ?? "");
      expect(last).toMatchObject({ event: "StreamClosing", data: { reason: "draining" } });
      retries.add(last.data.retry_ms);
      if (n % 2 === 0) expect(text).toEndWith(`retry: ${last.data.retry_ms}\n\n`);
    }
    expect(retries.size).toBeGreaterThan(10);
    await stopped;
    await start();
  });

  test("what was acknowledged before the server shuts down arrives before it says so", async () => {
    const stream = await open();
    await listeners(1);
    for (const event of ["OneHappened", "OtherHappened"]) {
      await app.call(Type.Object({ id: Type.String() }), "POST", "/events", { body: { event, data: {} } });
    }
    await app.stop();
    const names = [...(await stream.rest()).matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(names).toEqual(["ConnectionOpened", "OneHappened", "OtherHappened", "StreamClosing"]);
    await start();
  });
});

describe("who listens", () => {
  test("is listed with filter, cursor and lag, and not any more when gone", async () => {
    await publish(3);
    const stream = await open("?events=NoteUpdated&note_id=n1&since=1");
    const hello = dataOf(await stream.frame());
    expect(await connections()).toEqual([
      {
        id: String(hello.data.connection_id),
        transport: "sse",
        opened_at: "2026-02-05T10:30:00.010Z",
        filters: [{ events: ["NoteUpdated"], topics: [], note_ids: ["n1"], job_ids: [] }],
        cursor: id(3),
        lag: 0,
        queued_bytes: 0,
        last_pong_at: null,
      },
    ]);
    stream.close();
    await listeners(0);
  });
});
