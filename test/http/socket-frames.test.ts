import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { ConnectionInfo } from "../../src/http/connections.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Ids = Type.Object({ items: Type.Array(Type.Object({ id: Type.String() })) });
const Connections = Type.Object({ items: Type.Array(ConnectionInfo), next_cursor: Type.Null() });

let clock: ManualClock;
let app: TestApp;
let sockets: RawSocket[];

beforeEach(async () => {
  clock = new ManualClock();
  sockets = [];
  app = await startApp({}, { clock });
});

afterEach(async () => {
  for (const socket of sockets) socket.close();
  await app.stop();
});

async function connect(query = ""): Promise<RawSocket> {
  const socket = await RawSocket.open(app.url, query);
  sockets.push(socket);
  await eventually(() => socket.messages().length >= 2);
  return socket;
}

async function publish(count = 1, data: Record<string, unknown> = {}): Promise<void> {
  await app.call(Ids, "POST", "/events", { body: Array.from({ length: count }, () => ({ event: "ThingHappened", data })) });
  await clock.advance(10);
}

async function connections(): Promise<ConnectionInfo[]> {
  return (await app.call(Connections, "GET", "/connections")).body.items;
}

/** The server is well: another client is served. */
async function servesOthers(): Promise<void> {
  const other = await connect();
  other.sendJson({ op: "ping", ref: 1 });
  await eventually(() => other.messages().some(({ op }) => op === "pong"));
}

describe("frames that are not as they should be end that connection alone", () => {
  test.each<[string, number, (socket: RawSocket) => void]>([
    ["not masked", 1002, (socket) => socket.send("text", '{"op":"ping"}', { masked: false })],
    ["with reserved bits", 1002, (socket) => socket.send("text", '{"op":"ping"}', { reserved: 0x40 })],
    ["of an unknown kind", 1002, (socket) => socket.sendRaw(Buffer.from([0x83, 0x80, 0, 0, 0, 0]))],
    ["a continuation of nothing", 1002, (socket) => socket.send("continuation", "x")],
    ["a ping in pieces", 1002, (socket) => socket.send("ping", "x", { fin: false })],
    ["a ping too long", 1002, (socket) => socket.send("ping", "x".repeat(126))],
    ["no frames at all", 1002, (socket) => socket.sendRaw(new Uint8Array(4096).fill(0xff))],
    [
      "of 2^63 bytes, so it says",
      1009,
      (socket) => socket.sendRaw(Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4])),
    ],
    ["invalid UTF-8", 1007, (socket) => socket.send("text", new Uint8Array([0x22, 0xc3, 0x28, 0x22]))],
    [
      "invalid UTF-8 over two frames",
      1007,
      (socket) => {
        socket.send("text", new Uint8Array([0x22, 0xc3]), { fin: false });
        socket.send("continuation", new Uint8Array([0x28, 0x22]));
      },
    ],
  ])("%s: %d", async (_what, code, send) => {
    const socket = await connect();
    send(socket);
    await eventually(() => socket.closeCode() === code);
    await eventually(async () => (await connections()).length === 0);
    await servesOthers();
  });

  test("a message that is too large: 1009", async () => {
    const socket = await connect();
    socket.send("text", JSON.stringify({ op: "ping", ref: "x".repeat(64 * 1024) }));
    await eventually(() => socket.closeCode() === 1009);
    await eventually(async () => (await connections()).length === 0);
  });

  test("one that is far too large, in one piece or in many", async () => {
    const whole = await connect();
    whole.send("text", "x".repeat(2 * 1024 * 1024));
    await eventually(() => whole.closeCode() === 1009);
    const pieces = await connect();
    for (let count = 0; count < 40; count++)
      pieces.send(count === 0 ? "text" : "continuation", "x".repeat(10_000), { fin: false });
    await eventually(() => pieces.closeCode() === 1009);
    await eventually(async () => (await connections()).length === 0);
    await servesOthers();
  });
});

describe("frames that are unusual, but right", () => {
  test("a message in pieces, with a ping in between", async () => {
    const socket = await connect();
    socket.send("text", '{"op":', { fin: false });
    socket.send("ping", "hello");
    socket.send("continuation", '"ping","re', { fin: false });
    socket.send("continuation", 'f":"é"}');
    await eventually(() => socket.messages().some(({ op }) => op === "pong"));
    expect(socket.messages().at(-1)).toEqual({ op: "pong", ref: "é" });
    expect(
      socket
        .frames()
        .find(({ opcode }) => opcode === "pong")
        ?.payload.toString(),
    ).toBe("hello");
  });

  test("a letter cut in two by the pieces of a message", async () => {
    const socket = await connect();
    const bytes = Buffer.from('{"op":"ping","ref":"é"}');
    const cut = bytes.indexOf(0xc3) + 1;
    socket.send("text", bytes.subarray(0, cut), { fin: false });
    socket.send("continuation", bytes.subarray(cut));
    await eventually(() => socket.messages().at(-1)?.ref === "é");
  });

  test("an empty message gets an error, an empty frame at the end of one is fine", async () => {
    const socket = await connect();
    socket.send("text", "");
    await eventually(() => socket.messages().at(-1)?.op === "error");
    socket.send("text", '{"op":"ping"}', { fin: false });
    socket.send("continuation", "");
    await eventually(() => socket.messages().at(-1)?.op === "pong");
  });

  test("a pong that nobody asked for", async () => {
    const socket = await connect();
    socket.send("pong", "x");
    socket.sendJson({ op: "ping" });
    await eventually(() => socket.messages().at(-1)?.op === "pong");
  });

  test("a close with a code is answered, and the connection forgotten", async () => {
    const socket = await connect();
    socket.send("close", Buffer.from([0x03, 0xe8]));
    await eventually(() => socket.closeCode() === 1000);
    await eventually(async () => (await connections()).length === 0);
  });

  test("the largest message that is taken", async () => {
    const socket = await connect();
    const message = JSON.stringify({ op: "subscribe", note_id: "n1", ref: "" });
    socket.send("text", message.slice(0, -1) + " ".repeat(64 * 1024 - message.length) + message.slice(-1));
    await eventually(() => socket.messages().at(-1)?.op === "subscribe");
  });
});

describe("the heartbeat", () => {
  test("a peer that answers no ping is closed after 90 seconds, though it is sent data all the time", async () => {
    const socket = await connect();
    for (let second = 0; second < 80; second += 10) {
      await publish();
      await clock.advance(10_000);
    }
    await eventually(() => socket.messages().length === 10);
    expect(socket.frames().filter(({ opcode }) => opcode === "ping")).toHaveLength(2);
    expect(socket.closeCode()).toBeUndefined();
    await clock.advance(11_000);
    await eventually(() => socket.closeCode() === 4000);
    await eventually(async () => (await connections()).length === 0);
    // It does not answer the close either.
    await clock.advance(3000);
    await eventually(() => socket.isClosed);
  });

  test("a peer that answers stays, for as long as it likes", async () => {
    const socket = await connect();
    let answered = 0;
    for (let second = 0; second < 300; second += 10) {
      await clock.advance(10_000);
      await eventually(
        () => socket.frames().filter(({ opcode }) => opcode === "ping").length >= Math.floor((second + 10) / 30) - 1,
      );
      const pings = socket.frames().filter(({ opcode }) => opcode === "ping").length;
      for (; answered < pings; answered++) socket.send("pong");
    }
    await eventually(async () => (await connections())[0]?.last_pong_at !== "2026-02-05T10:30:00.000Z");
    expect(socket.closeCode()).toBeUndefined();
    expect(answered).toBeGreaterThan(7);
  });
});

describe("a client that stops to read", () => {
  const text = "x".repeat(60_000);

  async function publishMuch(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += 15) await publish(Math.min(15, count - sent), { text });
  }

  beforeEach(async () => {
    await app.stop();
    // It answers no pings either; here it is to be found slow before that.
    app = await startApp({ wsPingSeconds: 300, wsPongTimeoutSeconds: 600 }, { clock });
  });

  /** Until it is closed: a minute after it last took something, which the network may do for it in the beginning. */
  async function givenUp(): Promise<void> {
    await clock.advance(55_000);
    expect(await connections()).toHaveLength(1);
    for (let second = 55; (await connections()).length > 0; second += 5) {
      expect(second).toBeLessThan(150);
      await clock.advance(5000);
    }
  }

  /** Sequence numbers of the events that came. */
  const seqs = (socket: RawSocket) => socket.messages().flatMap(({ id }) => (id === undefined ? [] : [Number(id.split("-")[0])]));
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  test("while 50 MB pass: little is held for it, and after a minute it is closed with 4008; it resumes without loss", async () => {
    const slow = await connect();
    slow.stopReading();
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    await publishMuch(840);
    const [stalled] = await connections();
    expect(stalled?.queued_bytes).toBeGreaterThan(0);
    expect(stalled?.queued_bytes).toBeLessThan(1024 * 1024);
    expect(stalled?.lag).toBeGreaterThan(600);
    Bun.gc(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    await givenUp();
    slow.read();
    await eventually(async () => {
      await clock.advance(500);
      return slow.closeCode() !== undefined;
    });
    expect(slow.closeCode()).toBe(4008);
    expect(slow.messages().at(-1)).toMatchObject({ event: "StreamClosing", data: { reason: "slow" } });
    const got = seqs(slow);
    expect(got).toEqual(range(1, got.length));
    const resumed = await connect(`?since=${got.length}`);
    await eventually(() => resumed.size > (840 - got.length) * 60_000);
    await eventually(() => seqs(resumed).length === 840 - got.length);
    expect(seqs(resumed)).toEqual(range(got.length + 1, 840));
  }, 30_000);

  test("is cut off for good when it takes nothing even then", async () => {
    const slow = await connect();
    slow.stopReading();
    await publishMuch(150);
    await givenUp();
    await clock.advance(60_000);
    slow.read();
    await eventually(() => slow.isClosed);
    expect(slow.closeCode()).toBeUndefined();
  }, 30_000);

  test("and reads on later gets everything, in order", async () => {
    const slow = await connect();
    slow.stopReading();
    await publishMuch(300);
    slow.read();
    await eventually(() => slow.size > 300 * 60_000);
    await publish(1);
    await eventually(() => seqs(slow).length === 301);
    expect(seqs(slow)).toEqual(range(1, 301));
  }, 30_000);

  test("and asks all the time is not answered without end", async () => {
    const slow = await connect("?topics=notes");
    slow.stopReading();
    const ask = JSON.stringify({
      op: "subscribe",
      note_id: Array.from({ length: 200 }, (_, n) => `note-${n}-${"x".repeat(40)}`),
    });
    for (let count = 0; count < 4000; count++) slow.send("text", count % 2 ? ask : "refresh");
    await eventually(
      async () =>
        (await connections()).every(({ queued_bytes }) => queued_bytes > 256 * 1024) || (await connections()).length === 0,
    );
    for (let count = 0; count < 20; count++) {
      for (const { queued_bytes } of await connections()) expect(queued_bytes).toBeLessThan(1024 * 1024);
    }
  }, 30_000);
});

test("three thousand clients that come and go, rudely, leave nothing behind", async () => {
  const timers = clock.pending();
  for (let round = 0; round < 60; round++) {
    const batch = await Promise.all(
      Array.from({ length: 50 }, (_, n) => RawSocket.open(app.url, n % 2 ? `?note_id=n${round}` : "?since=earliest")),
    );
    for (const [n, socket] of batch.entries()) {
      if (n % 3 === 0) socket.sendJson({ op: "subscribe", topics: ["custom"], since: "earliest" });
      if (n % 5 === 0) socket.send("close");
      socket.close();
    }
    if (round % 20 === 0) await publish();
  }
  await eventually(async () => (await connections()).length === 0);
  expect(clock.pending()).toBe(timers);
}, 30_000);
