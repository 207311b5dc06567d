import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Envelope } from "../../src/events/catalog.ts";
import { EventPage, EventPoll } from "../../src/events/contract.ts";
import { EventType } from "../../src/events/describe.ts";
import { Problem } from "../../src/http/problem.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Ids = Type.Object({ items: Type.Array(Type.Object({ id: Type.String() })) });
const json = { accept: "application/json" };

let clock: ManualClock;
let app: TestApp;

beforeEach(async () => {
  clock = new ManualClock();
  app = await startApp({ pollSeconds: 25 }, { clock });
});

afterEach(() => app.stop());

async function publish(count = 1, event = "ThingHappened"): Promise<string[]> {
  const body = Array.from({ length: count }, (_, n) => ({ event, data: { n } }));
  const { body: answer } = await app.call(Ids, "POST", "/events", { body });
  return answer.items.map(({ id }) => id);
}

async function page(query = ""): Promise<EventPage> {
  return (await app.call(EventPage, "GET", `/events${query}`, { headers: json })).body;
}

/** The sequence numbers of all pages, page by page. */
async function walk(query: string): Promise<number[][]> {
  const pages: number[][] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { items, next_cursor }: EventPage = await page(`?${query}&cursor=${cursor}`);
    pages.push(items.map(({ id }) => seqOf(id)));
    cursor = next_cursor;
  }
  return pages;
}

const seqOf = (id = "") => Number(id.split("-")[0]);
const seqs = ({ items }: { items: Envelope[] }) => items.map(({ id }) => seqOf(id));

describe("publishing", () => {
  test("answers with the id of one, and with those of an array in order", async () => {
    const one = await app.call(Type.Object({ id: Type.String() }), "POST", "/events", {
      body: { event: "ThingHappened", data: {} },
    });
    expect([one.status, seqOf(one.body.id)]).toEqual([201, 1]);
    const three = await app.call(Ids, "POST", "/events", {
      body: [1, 2, 3].map((n) => ({ event: "ThingHappened", data: { n } })),
    });
    expect([three.status, three.body.items.map(({ id }) => seqOf(id))]).toEqual([201, [2, 3, 4]]);
    expect(seqs(await page())).toEqual([1, 2, 3, 4]);
  });

  test("of data beyond 64 KiB is refused as too large, and names the field", async () => {
    const data = (bytes: number) => ({ text: "x".repeat(bytes - 11) });
    const refused = await app.call(Problem, "POST", "/events", {
      body: [
        { event: "ThingHappened", data: {} },
        { event: "ThingHappened", data: data(64 * 1024 + 1) },
      ],
    });
    expect([refused.status, refused.body.code, refused.body.field]).toEqual([413, "too_large", "1.data"]);
    await app.call(Type.Object({ id: Type.String() }), "POST", "/events", {
      body: { event: "ThingHappened", data: data(64 * 1024) },
    });
    expect(seqs(await page())).toEqual([1]);
  });

  test("of an array with one mistake stores none of it", async () => {
    const body = [
      { event: "ThingHappened", data: {} },
      { event: "Thing\u0000Happened", data: {} },
    ];
    const { status, body: problem } = await app.call(Problem, "POST", "/events", { body });
    expect([status, problem.field]).toEqual([422, "1.event"]);
    expect(await page()).toEqual({ items: [], next_cursor: null });
  });

  test("from many at once stores all, each once", async () => {
    const ids = (await Promise.all(Array.from({ length: 200 }, () => publish(2)))).flat();
    expect(new Set(ids).size).toBe(400);
    expect((await walk("limit=150")).flat()).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
  });
});

describe("the history", () => {
  beforeEach(async () => {
    for (let minute = 0; minute < 10; minute++) {
      await publish(1, minute % 3 === 0 ? "RareHappened" : "ThingHappened");
      clock.jump(60_000);
    }
  });

  test.each([
    ["", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ["?after=7", [8, 9, 10]],
    ["?since=7", [8, 9, 10]],
    ["?before=3", [1, 2]],
    ["?after=2&before=6", [3, 4, 5]],
    ["?after=earliest&before=latest", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ["?since=2026-02-05T10:37:00Z", [8, 9, 10]],
    ["?before=2026-02-05T10:32:00Z", [1, 2]],
    ["?since=150s", [9, 10]],
    ["?before=999", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ["?after=999", []],
    ["?before=1", []],
    ["?events=RareHappened", [1, 4, 7, 10]],
    ["?events=RareHappened&after=1&before=10", [4, 7]],
    ["?topics=notes", []],
    ["?events=rare.happened&events=NoteUpdated,", [1, 4, 7, 10]],
  ])("%s", async (query, expected) => {
    const found = await page(query);
    expect(seqs(found)).toEqual(expected);
    expect(found.next_cursor).toBeNull();
  });

  test("comes in pages that hold everything once", async () => {
    expect(await walk("limit=4")).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
    ]);
    expect(await walk("limit=5")).toEqual([
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
    ]);
    expect(await walk("limit=1&events=RareHappened")).toEqual([[1], [4], [7], [10]]);
    expect(await walk("limit=2&after=3&before=9")).toEqual([[4, 5], [6, 7], [8]]);
  });

  test("of a walk that goes on while events come holds those as well", async () => {
    const first = await page("?limit=6");
    await publish(2);
    const second = await page(`?limit=6&cursor=${first.next_cursor}`);
    expect([...seqs(first), ...seqs(second), second.next_cursor]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, null]);
  });

  test.each([
    "after=x",
    "before=x",
    "since=x",
    "cursor=x",
    "limit=0",
    "limit=501",
    "limit=1e2",
    "limit=-1",
    "limit=abc",
    "events=NoteUpdatd",
    "topics=x",
  ])("?%s is refused, and the parameter named", async (query) => {
    const { status, body } = await app.call(Problem, "GET", `/events?${query}`, { headers: json });
    expect([status, body.field]).toEqual([422, query.split("=")[0] ?? ""]);
  });

  test("tells what cannot be had after the cursor that was sent, however it was written", async () => {
    const [first = "", , last = ""] = await publish(3);
    const epoch = last.split("-")[1];
    expect(await page(`?after=${first}`)).not.toHaveProperty("gap");
    const gapAfter = async (query: string) => (await page(query)).gap;
    expect(await gapAfter("?after=99")).toEqual({ from: `99-${epoch}`, to: last, reason: "ahead_of_log" });
    expect(await gapAfter("?since=2-zzzzzz")).toEqual({ from: "2-zzzzzz", to: `0-${epoch}`, reason: "other_epoch" });
    expect(await gapAfter("?cursor=2-zzzzzz")).toMatchObject({ reason: "other_epoch" });
    expect(seqs(await page("?after=2-zzzzzz&limit=2"))).toEqual([1, 2]);
  });

  test("begins after the newest of several cursors, in whatever form they came", async () => {
    for (const query of ["after=2&cursor=4", "since=1h&last_event_id=4", "lastEventId=4&after=1", "since=4&since=3"])
      expect(seqs(await page(`?limit=2&${query}`))).toEqual([5, 6]);
    const headers = { ...json, "last-event-id": "4" };
    expect(seqs((await app.call(EventPage, "GET", "/events?limit=2&since=earliest", { headers })).body)).toEqual([5, 6]);
  });

  test("names the parameter that says no place in the log", async () => {
    for (const name of ["after", "since", "cursor", "last_event_id", "before"]) {
      const { status, body } = await app.call(Problem, "GET", `/events?${name}=soon`, { headers: json });
      expect([status, body.field]).toEqual([422, name]);
    }
  });

  test("a query that is not even one is refused, or read as nothing, but breaks nothing", async () => {
    for (const query of [
      "?%",
      "?events=%zz",
      "?limit=%F0%28%8C%28",
      `?events=${"a".repeat(8000)}`,
      "?since=%00",
      "?&&&===",
      "?events[]=x",
      "?__proto__=x",
    ]) {
      const response = await app.fetch(`/api/v1/events${query}`, { headers: json });
      expect([200, 400, 422]).toContain(response.status);
      await response.text();
    }
  });
});

describe("one event", () => {
  test("is found by its id, and by its bare number", async () => {
    const [id = ""] = await publish();
    for (const path of [id, "1"]) expect((await app.call(Envelope, "GET", `/events/${path}`)).body.id).toBe(id);
  });

  test.each(["2", "0", "1-zzzzzz", "x", "999999999999999", "9999999999999999999", "1-", "%00", "-1", "earliest"])(
    "is not there as %s",
    async (id) => {
      await publish();
      const { status, body } = await app.call(Problem, "GET", `/events/${id}`);
      expect([status, body.code]).toEqual([404, "not_found"]);
    },
  );
});

describe("a long poll", () => {
  /** Asks, and keeps the answer once it is there. */
  function poll(query = "") {
    const polling: { answer: EventPoll | undefined } = { answer: undefined };
    app.call(EventPoll, "GET", `/events?transport=poll${query}`).then(({ body }) => {
      polling.answer = body;
    });
    return polling;
  }

  /** Until somebody waits: only then is there any use in moving the clock. */
  async function waits(before: number): Promise<void> {
    await eventually(() => clock.pending() > before);
  }

  test("brings what is there at once, and says where to go on", async () => {
    await publish(3);
    const polling = poll("&since=1");
    await eventually(() => polling.answer !== undefined);
    expect(polling.answer).toMatchObject({ items: [{ event: "ThingHappened" }, {}], gap: null });
    expect(seqOf(polling.answer?.next_cursor)).toBe(3);
  });

  test("waits for what comes", async () => {
    const before = clock.pending();
    const polling = poll("&events=RareHappened");
    await waits(before);
    await publish(2);
    await publish(1, "RareHappened");
    await clock.advance(10);
    await eventually(() => polling.answer !== undefined);
    expect(polling.answer && seqs(polling.answer)).toEqual([3]);
  });

  test("answers with none after 25 seconds, or as long as was asked for", async () => {
    const before = clock.pending();
    const [long, short] = [poll(), poll("&wait_seconds=5")];
    await eventually(() => clock.pending() === before + 2);
    await clock.advance(5000);
    await eventually(() => short.answer !== undefined);
    expect(long.answer).toBeUndefined();
    await clock.advance(20_000);
    await eventually(() => long.answer !== undefined);
    expect([long.answer?.items, short.answer?.items]).toEqual([[], []]);
    expect(clock.pending()).toBe(before);
  });

  test("collects a batch, and brings at most so many", async () => {
    const before = clock.pending();
    const [batch, few] = [poll("&batch_ms=3000"), poll("&limit=2&batch_ms=3000")];
    await eventually(() => clock.pending() === before + 2);
    await publish(1);
    await clock.advance(1000);
    await publish(3);
    await eventually(() => few.answer !== undefined);
    expect(few.answer && seqs(few.answer)).toEqual([1, 2]);
    expect(seqOf(few.answer?.next_cursor)).toBe(2);
    await clock.advance(2000);
    await eventually(() => batch.answer !== undefined);
    expect(batch.answer && seqs(batch.answer)).toEqual([1, 2, 3, 4]);
  });

  test.each(["cursor", "after", "last_event_id"])("goes on from %s, too", async (name) => {
    await publish(3);
    const polling = poll(`&${name}=2`);
    await eventually(() => polling.answer !== undefined);
    expect(polling.answer && seqs(polling.answer)).toEqual([3]);
  });

  test("tells of a gap", async () => {
    await publish(2);
    const polling = poll("&since=1-zzzzzz");
    await eventually(() => polling.answer !== undefined);
    expect(polling.answer).toMatchObject({ gap: { from: "1-zzzzzz", reason: "other_epoch" } });
    expect(polling.answer && seqs(polling.answer)).toEqual([1, 2]);
  });

  test.each(["&wait_seconds=26", "&wait_seconds=-1", "&limit=0", "&batch_ms=x", "&since=x", "&events=NoteUpdatd"])(
    "%s is refused",
    async (query) => {
      const { status } = await app.call(Problem, "GET", `/events?transport=poll${query}`);
      expect(status).toBe(422);
    },
  );

  test("after poll brings every event once, while they are published", async () => {
    const got: number[] = [];
    let cursor = "0";
    const publishing = (async () => {
      for (let count = 0; count < 20; count++) await publish(5);
    })();
    while (got.length < 100) {
      const polling = poll(`&since=${cursor}&limit=7`);
      await eventually(async () => {
        await clock.advance(5);
        return polling.answer !== undefined;
      });
      got.push(...seqs(polling.answer ?? { items: [] }));
      cursor = polling.answer?.next_cursor ?? cursor;
    }
    await publishing;
    expect(got).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });
});

describe("what the client can read decides on the answer", () => {
  test.each([
    [undefined, "text/event-stream; charset=utf-8"],
    ["*/*", "text/event-stream; charset=utf-8"],
    ["text/event-stream", "text/event-stream; charset=utf-8"],
    ["application/json, text/event-stream", "text/event-stream; charset=utf-8"],
    ["text/html,application/xhtml+xml", "text/event-stream; charset=utf-8"],
    ["application/x-ndjson", "application/x-ndjson; charset=utf-8"],
    ["application/json", "application/json"],
    ["application/json, text/plain, */*", "application/json"],
  ])("%s gets %s", async (accept, type) => {
    const abort = new AbortController();
    const response = await app.fetch("/api/v1/events", { headers: accept === undefined ? {} : { accept }, signal: abort.signal });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
    abort.abort();
  });
});

test("the catalogue tells of every built-in event", async () => {
  const { body } = await app.call(Type.Object({ items: Type.Array(EventType) }), "GET", "/event-types");
  expect(body.items.length).toBeGreaterThan(20);
  expect(body.items.find(({ event }) => event === "JobProgress")).toMatchObject({
    in_log: true,
    data_schema: { type: "object" },
  });
});
