import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import WebSocket from "ws";
import type { Config } from "../../src/config.ts";
import { ConnectionInfo } from "../../src/http/connections.ts";
import { Problem } from "../../src/http/problem.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import type { SocketText } from "../support/raw-socket.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Ids = Type.Object({ items: Type.Array(Type.Object({ id: Type.String() })) });
const Connections = Type.Object({ items: Type.Array(ConnectionInfo), next_cursor: Type.Null() });

let clock: ManualClock;
let app: TestApp;
let clients: Client[];

async function start(config: Partial<Config> = {}): Promise<void> {
  app = await startApp(config, { clock });
}

beforeEach(async () => {
  clock = new ManualClock();
  clients = [];
  await start();
});

afterEach(async () => {
  for (const client of clients) client.ws.terminate();
  await app.stop();
});

/** A client of the `ws` package, and what it got. */
class Client {
  readonly got: SocketText[] = [];
  closed: { code: number; reason: string } | undefined;

  constructor(readonly ws: WebSocket) {
    ws.on("message", (data) => this.got.push(JSON.parse(String(data))));
    ws.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
  }

  send(message: unknown): void {
    this.ws.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Sends it, and waits for the answer, which it takes. */
  async ask(message: unknown): Promise<SocketText> {
    const before = this.got.length;
    this.send(message);
    await eventually(() => this.got.slice(before).some(({ op }) => op !== undefined));
    const at = this.got.findIndex(({ op }, index) => index >= before && op !== undefined);
    return this.got.splice(at, 1)[0] ?? {};
  }

  /** Names of the events that came, with their number: `ThingHappened 3`. */
  events(): string[] {
    return this.got.flatMap(({ event, id }) =>
      event === undefined ? [] : [id === undefined ? event : `${event} ${id.split("-")[0]}`],
    );
  }
}

/** Connects, and waits for the first two messages, which are always the same. */
async function connect(query = "", count = 2): Promise<Client> {
  const client = new Client(new WebSocket(`${app.url.replace("http", "ws")}/api/v1/ws${query}`));
  clients.push(client);
  await eventually(() => client.got.length >= count || client.closed !== undefined);
  return client;
}

async function publish(count = 1, event = "ThingHappened", data: Record<string, unknown> = {}): Promise<void> {
  await app.call(Ids, "POST", "/events", { body: Array.from({ length: count }, (_, n) => ({ event, data: { n, ...data } })) });
  await clock.advance(10);
}

async function connections(): Promise<ConnectionInfo[]> {
  return (await app.call(Connections, "GET", "/connections")).body.items;
}

describe("a connection", () => {
  test("begins with a hello and the state of the queue; then come events as they happen", async () => {
    const client = await connect();
    expect(client.got).toMatchObject([
      { event: "ConnectionOpened", data: { transport: "ws", resumed: false, heartbeat_seconds: 30 } },
      { event: "QueueStatus", data: { queue_depth: 0, pending: 0, running: 0, paused: false } },
    ]);
    await publish(2);
    await eventually(() => client.got.length === 4);
    expect(client.events().slice(2)).toEqual(["ThingHappened 1", "ThingHappened 2"]);
  });

  test("gets the very text that every other transport sends", async () => {
    const client = await connect();
    const texts: string[] = [];
    client.ws.on("message", (data) => texts.push(String(data)));
    await publish(1, "ThingHappened", { text: 'é 😀 \u2028 " \n', nested: [{}, null, 1.5] });
    await eventually(() => texts.length === 1);
    expect(await (await app.fetch("/api/v1/events/1")).text()).toBe(texts[0] ?? "");
  });

  test("brings the history in between, if it was asked for", async () => {
    await publish(3);
    const client = await connect("?since=1", 4);
    await publish(1);
    await eventually(() => client.got.length === 5);
    expect(client.events()).toEqual(["ConnectionOpened", "QueueStatus", "ThingHappened 2", "ThingHappened 3", "ThingHappened 4"]);
    expect(client.got[0]?.data).toMatchObject({ resumed: true });
  });

  test("tells of a gap before the events after it", async () => {
    await publish(1);
    const client = await connect("?since=5-zzzzzz", 4);
    expect(client.events()).toEqual(["ConnectionOpened", "QueueStatus", "StreamGap", "ThingHappened 1"]);
    expect(client.got[2]?.data).toMatchObject({ from: "5-zzzzzz", reason: "other_epoch" });
  });

  test("takes its filter from the query", async () => {
    const client = await connect("?events=rare.happened&topics=custom");
    await publish(2);
    await publish(1, "RareHappened");
    await eventually(() => client.got.length === 3);
    expect(client.events()[2]).toBe("RareHappened 3");
    expect((await connections())[0]).toMatchObject({
      transport: "ws",
      filters: [{ events: ["RareHappened"], topics: ["custom"] }],
      lag: 0,
    });
  });

  test("that closes is forgotten", async () => {
    const client = await connect();
    client.ws.close();
    await eventually(async () => (await connections()).length === 0);
    await publish(1);
    expect(client.events()).toHaveLength(2);
  });

  test.each([
    ["?since=yesterday", 422],
    ["?events=NoteUpdatd", 422],
    ["?topics=x", 422],
    ["?last_event_id=x", 422],
    ["?topic=jobs", 422],
  ])("whose query is wrong (%s) is refused while a status can still be seen", async (query, status) => {
    const answer = await app.call(Problem, "GET", `/ws${query}`, {
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });
    expect(answer.status).toBe(status);
  });

  test("needs a handshake", async () => {
    expect((await app.call(Problem, "GET", "/ws")).status).toBe(400);
    expect((await app.call(Problem, "GET", "/ws", { headers: { upgrade: "h2c" } })).status).toBe(400);
  });

  test("too many is refused, and can come back later", async () => {
    await app.stop();
    await start({ connectionsMax: 1 });
    await connect();
    const headers = {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const refused = await app.call(Problem, "GET", "/ws", { headers });
    expect([refused.status, refused.body.code]).toEqual([503, "overloaded"]);
    expect(refused.headers.get("retry-after")).not.toBeNull();
  });
});

describe("subscribing", () => {
  test("replaces the everything that a client without a filter has at first", async () => {
    const client = await connect();
    await publish(1);
    expect(await client.ask({ op: "subscribe", ref: 7, events: ["RareHappened"] })).toMatchObject({
      op: "subscribe",
      ref: 7,
      events: ["RareHappened"],
      topics: [],
    });
    await publish(1);
    await publish(1, "RareHappened");
    await eventually(() => client.events().includes("RareHappened 3"));
    expect(client.events()).toEqual(["ConnectionOpened", "QueueStatus", "ThingHappened 1", "RareHappened 3"]);
  });

  test("adds to the filter of the query, and an event that meets both arrives once", async () => {
    const client = await connect("?topics=custom");
    await client.ask({ op: "subscribe", events: "ThingHappened,Job*", note_id: ["n1"] });
    await client.ask({ op: "subscribe", topics: ["custom", "notes"] });
    await client.ask({ op: "subscribe", topics: "custom" });
    await publish(3, "ThingHappened", { note_id: "n1" });
    await publish(1, "LastHappened");
    await eventually(() => client.events().includes("LastHappened 4"));
    expect(client.events().slice(2)).toEqual(["ThingHappened 1", "ThingHappened 2", "ThingHappened 3", "LastHappened 4"]);
  });

  test("takes a bare sequence number as it is", async () => {
    await publish(3);
    const client = await connect("?events=RareHappened");
    client.send({ op: "subscribe", events: "ThingHappened", since: 2 });
    await eventually(() => client.got.length === 4);
    expect(client.events().slice(2)).toEqual(["ThingHappened 3"]);
  });

  test("with since answers first, then brings the history that the client has not had", async () => {
    const client = await connect("?events=RareHappened");
    await publish(1, "RareHappened");
    await publish(2);
    await eventually(() => client.got.length === 3);
    client.send({ op: "subscribe", since: "earliest", ref: "again" });
    await eventually(() => client.got.length === 6);
    expect(client.got[3]).toMatchObject({ op: "subscribe", ref: "again", cursor: expect.stringMatching(/^0-/) });
    await publish(1);
    await eventually(() => client.got.length === 7);
    expect(client.events().slice(2)).toEqual(["RareHappened 1", "ThingHappened 2", "ThingHappened 3", "ThingHappened 4"]);
  });

  test("takes the place of everything, and what came until then does not come again", async () => {
    const client = await connect();
    await publish(2);
    await eventually(() => client.got.length === 4);
    await client.ask({ op: "subscribe", topics: "notes" });
    await publish(1);
    client.send({ op: "subscribe", events: "ThingHappened", since: "earliest" });
    await publish(1);
    await eventually(() => client.events().includes("ThingHappened 4"));
    expect(client.events().slice(2)).toEqual([1, 2, 3, 4].map((n) => `ThingHappened ${n}`));
  });

  test("one filter is taken back by naming it, all of them by naming none", async () => {
    const client = await connect("?events=ThingHappened");
    await client.ask({ op: "subscribe", topics: ["queue", "custom"], events: ["RareHappened"] });
    expect(await client.ask({ op: "unsubscribe", ref: 1, topics: ["notes"] })).toMatchObject({
      op: "error",
      ref: 1,
      code: "not_found",
    });
    expect(await client.ask({ op: "unsubscribe", ref: 2, events: "rare.happened", topics: "custom,queue" })).toEqual({
      op: "unsubscribe",
      ref: 2,
    });
    await publish(1, "RareHappened");
    await publish(1);
    await eventually(() => client.events().includes("ThingHappened 2"));
    expect(client.events()).not.toContain("RareHappened 1");
    expect(await client.ask({ op: "unsubscribe" })).toEqual({ op: "unsubscribe" });
    expect((await connections())[0]?.filters).toEqual([]);
    await publish(1);
    expect(await client.ask({ op: "ping" })).toEqual({ op: "pong" });
    expect(client.events().at(-1)).toBe("ThingHappened 2");
    expect(await client.ask({ op: "subscribe" })).toMatchObject({ op: "subscribe" });
    await publish(1);
    await eventually(() => client.events().at(-1) === "ThingHappened 4");
  });

  test("a part of one is taken back by naming that part", async () => {
    const client = await connect("?events=ThingHappened,RareHappened");
    await client.ask({ op: "subscribe", topics: ["notes", "jobs"], events: ["NoteUpdated", "JobQueued"] });
    expect(await client.ask({ op: "unsubscribe", ref: 1, events: ["RareHappened", "JobQueued"] })).toEqual({
      op: "unsubscribe",
      ref: 1,
    });
    expect((await connections())[0]?.filters).toMatchObject([
      { events: ["ThingHappened"], topics: [] },
      { events: ["NoteUpdated"], topics: ["notes", "jobs"] },
    ]);
    await publish(1, "RareHappened");
    await publish(1);
    await eventually(() => client.events().at(-1) === "ThingHappened 2");
    expect(client.events()).not.toContain("RareHappened 1");
    expect(await client.ask({ op: "unsubscribe", events: "NoteUpdated" })).toEqual({ op: "unsubscribe" });
    expect(await client.ask({ op: "unsubscribe", topics: "jobs", events: "ThingHappened" })).toMatchObject({ code: "not_found" });
    expect((await connections())[0]?.filters).toMatchObject([{ events: ["ThingHappened"] }]);
  });

  test("ten thousand times is refused from the 257th on, and the connection lives", async () => {
    const client = await connect();
    for (let n = 0; n < 10_000; n++) client.send({ op: "subscribe", ref: n, note_id: [`n${n}`] });
    await eventually(() => client.got.length === 10_002);
    const [good, bad] = [client.got.filter(({ op }) => op === "subscribe"), client.got.filter(({ op }) => op === "error")];
    expect([good.length, bad.length]).toEqual([256, 9744]);
    expect(bad[0]).toMatchObject({ ref: 256, code: "rate_limited" });
    expect(client.closed).toBeUndefined();
    await publish(1, "ThingHappened", { note_id: "n9" });
    await publish(1, "ThingHappened", { note_id: "n999" });
    await publish(1, "ThingHappened", { note_id: "n200" });
    await eventually(() => client.events().includes("ThingHappened 3"));
    expect(client.events().slice(2)).toEqual(["ThingHappened 1", "ThingHappened 3"]);
    expect((await connections())[0]?.filters).toHaveLength(256);
  });

  test("to a great many notes each is refused when they would be too many for the server to keep", async () => {
    const client = await connect();
    const ids = (n: number) => Array.from({ length: 256 }, (_, at) => `n${n}-${at}`);
    for (let n = 0; n < 20; n++) client.send({ op: "subscribe", ref: n, note_id: ids(n) });
    await eventually(() => client.got.length === 22);
    const refused = client.got.filter(({ op }) => op === "error");
    expect(refused.map(({ ref, code }) => [ref, code])).toEqual([16, 17, 18, 19].map((ref) => [ref, "rate_limited"]));
    expect(await client.ask({ op: "unsubscribe", note_id: ids(3) })).toMatchObject({ op: "unsubscribe" });
    expect(await client.ask({ op: "subscribe", note_id: ["one-more"] })).toMatchObject({ op: "subscribe" });
  });
});

describe("what a client says", () => {
  test("refresh gets the state of the queue, to that client alone", async () => {
    const [asking, other] = [await connect(), await connect()];
    asking.send("refresh");
    await eventually(() => asking.got.length === 3);
    expect(asking.events()[2]).toBe("QueueStatus");
    expect(await other.ask({ op: "ping", ref: "x" })).toEqual({ op: "pong", ref: "x" });
    expect(other.events()).toHaveLength(2);
  });

  test.each([
    ["", "malformed", undefined],
    ["{", "malformed", undefined],
    ["Refresh", "malformed", undefined],
    [" refresh", "malformed", undefined],
    ["12", "malformed", undefined],
    ["null", "malformed", undefined],
    ["[]", "malformed", undefined],
    ['"ping"', "malformed", undefined],
    ["{}", "invalid", "op"],
    ['{"op":"dance","ref":"r"}', "invalid", "op"],
    ['{"op":"constructor"}', "invalid", "op"],
    ['{"op":7}', "invalid", "op"],
    ['{"op":"ping","extra":1}', "invalid", "extra"],
    ['{"op":"ping","ref":{}}', "invalid", "ref"],
    ['{"op":"subscribe","topic":["notes"]}', "invalid", "topic"],
    ['{"op":"subscribe","topics":[7]}', "invalid", "topics"],
    ['{"op":"subscribe","topics":"nots","ref":3}', "invalid", "topics"],
    ['{"op":"subscribe","events":["NoteUpdatd"]}', "invalid", "events"],
    ['{"op":"subscribe","since":"yesterday"}', "invalid", "since"],
    ['{"op":"subscribe","since":-7}', "invalid", "since"],
    ['{"op":"unsubscribe","topics":["notes"]}', "not_found", undefined],
    ['{"op":"auth"}', "invalid", "token"],
  ])("%s gets an error, and the connection lives on", async (text, code, field) => {
    const client = await connect("?topics=custom");
    const answer = await client.ask(text);
    expect(answer).toMatchObject({ op: "error", code });
    if (field !== undefined) expect(answer.field).toStartWith(field);
    if (text.includes('"r"')) expect(answer.ref).toBe("r");
    if (text.includes('"ref":3')) expect(answer.ref).toBe(3);
    await publish(1);
    await eventually(() => client.events().includes("ThingHappened 1"));
    expect(await client.ask({ op: "ping" })).toEqual({ op: "pong" });
  });

  test("a binary message gets an error as well", async () => {
    const client = await connect();
    client.ws.send(Buffer.from('{"op":"ping"}'));
    await eventually(() => client.got.length === 3);
    expect(client.got[2]).toMatchObject({ op: "error", code: "malformed" });
    expect(await client.ask({ op: "ping" })).toEqual({ op: "pong" });
  });

  test("a ping of the protocol is answered", async () => {
    const client = await connect();
    const pong = new Promise<void>((resolve) => client.ws.once("pong", () => resolve()));
    client.ws.ping();
    await pong;
  });
});

test("a filtered connection is told its cursor with the ping, when only others' events have passed", async () => {
  const client = await connect("?events=RareHappened");
  await publish(3);
  await clock.advance(30_000);
  await eventually(() => client.got.length === 3);
  expect(client.got[2]).toMatchObject({ event: "StreamCursor", data: { cursor: expect.stringMatching(/^3-/) } });
  await clock.advance(30_000);
  expect(await client.ask({ op: "ping" })).toEqual({ op: "pong" });
  expect(client.got).toHaveLength(3);
});

test("when the server shuts down every client is told, and the close says so, too", async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => connect()));
  await app.stop();
  await eventually(() => all.every(({ closed }) => closed !== undefined));
  for (const { got, closed } of all) {
    expect(got.at(-1)).toMatchObject({ event: "StreamClosing", data: { reason: "draining" } });
    expect(closed).toEqual({ code: 1001, reason: "draining" });
  }
  await start();
});
