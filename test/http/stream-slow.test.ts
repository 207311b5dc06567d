import { heapStats } from "bun:jsc";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { ConnectionInfo } from "../../src/http/connections.ts";
import { ByteStream, briefly, dataOf } from "../support/byte-stream.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { TcpClient } from "../support/tcp-client.ts";

const Connections = Type.Object({ items: Type.Array(ConnectionInfo), next_cursor: Type.Null() });

let clock: ManualClock;
let app: TestApp;

beforeEach(async () => {
  clock = new ManualClock();
  app = await startApp({}, { clock });
});

afterEach(() => app.stop());

const text = "x".repeat(60_000);

/** Publishes so many events of 60 kB each, and lets them be handed out. */
async function publishMuch(count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 15) {
    const body = JSON.stringify(
      Array.from({ length: Math.min(15, count - sent) }, () => ({ event: "BigHappened", data: { text } })),
    );
    const { status } = await app.fetch("/api/v1/events", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    expect(status).toBe(201);
    await clock.advance(5);
  }
}

async function connections(): Promise<ConnectionInfo[]> {
  return (await app.call(Connections, "GET", "/connections")).body.items;
}

/** Opens a stream, and stops to read once it is open. */
async function openAndStall(headers = ""): Promise<TcpClient> {
  const client = await TcpClient.open(app.url);
  client.send(`GET /api/v1/events HTTP/1.1\r\nHost: ${new URL(app.url).host}\r\n${headers}\r\n`);
  await eventually(() => client.text.includes("ConnectionOpened"));
  client.stopReading();
  return client;
}

/** A stream by SSE and one by WebSocket that were closed since they read nothing, and still read nothing. */
async function bothClosedAsSlow(): Promise<{ stream: TcpClient; socket: RawSocket }> {
  const stream = await openAndStall();
  const socket = await RawSocket.open(app.url);
  await eventually(() => socket.messages().length === 2);
  socket.stopReading();
  await publishMuch(300);
  await eventually(async () => (await connections()).length === 0);
  return { stream, socket };
}

/** The body of a chunked answer. */
function bodyOf(answer: Buffer): string {
  const pieces: Buffer[] = [];
  let at = answer.indexOf("\r\n\r\n") + 4;
  while (at < answer.length) {
    const end = answer.indexOf("\r\n", at);
    const size = Number.parseInt(answer.toString("latin1", at, end), 16);
    if (end < 0 || Number.isNaN(size) || size === 0) break;
    pieces.push(answer.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(pieces).toString();
}

const seqs = (body: string) => [...body.matchAll(/^id: (\d+)-\w+\n\n/gm)].map((match) => Number(match[1]));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("a client that stops to read", () => {
  test("while 60 MB pass: little is held for it, nobody else waits, and it is closed after a minute", async () => {
    const slow = await openAndStall();
    const quick = await ByteStream.open(`${app.url}/api/v1/events`);
    const reading = quick.rest();
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    await publishMuch(1000);
    const [stalled] = (await connections()).filter(({ lag }) => lag > 0);
    expect(stalled?.queued_bytes).toBeGreaterThan(0);
    expect(stalled?.queued_bytes).toBeLessThan(1024 * 1024);
    expect(stalled?.lag).toBeGreaterThan(800);
    Bun.gc(true);
    // The quick one's 60 MB are in this process, too, as text and in pieces.
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
    expect(await connections()).toHaveLength(2);

    await clock.advance(59_000);
    expect(await connections()).toHaveLength(2);
    await clock.advance(2000);
    expect(await connections()).toHaveLength(1);
    slow.read();
    await eventually(() => slow.received.subarray(-7).toString().endsWith("0\r\n\r\n"));

    // What came was in order, with a word at its end on why there is no more; the client goes on where it was.
    const body = bodyOf(slow.received);
    const got = seqs(body);
    expect(got).toEqual(range(1, got.length));
    expect(body.slice(body.lastIndexOf("event:"))).toMatch(/^event: StreamClosing\ndata: .*"reason":"slow".*\nretry: \d+\n\n$/);
    const resumed = await ByteStream.open(`${app.url}/api/v1/events`, { "last-event-id": String(got.length) });
    expect(briefly([await resumed.frame()])).toEqual([`ConnectionOpened ${got.length}`]);
    expect(briefly(await resumed.frames(1000 - got.length))).toEqual(
      range(got.length + 1, 1000).map((seq) => `BigHappened ${seq}`),
    );
    resumed.close();

    expect((await connections()).filter(({ lag }) => lag > 0)).toEqual([]);
    quick.close();
    await reading.catch(() => {});
  }, 30_000);

  test("for a while and then takes a little again and again is not closed, however much the system holds for it", async () => {
    const slow = await openAndStall();
    await publishMuch(300);
    const isOpen = async () => (await connections()).length === 1;
    // Less than makes the system tell the server of room, but more than nothing.
    for (let steps = 0; steps < 8; steps++) {
      await clock.advance(15_000);
      expect(await isOpen()).toBe(true);
      await slow.readSome(100_000);
    }
    // It may have taken all there was.
    await publishMuch(300);
    await eventually(async () => {
      await clock.advance(15_000);
      return !(await isOpen());
    });
    slow.close();
  });

  test("and then reads on gets everything, in order", async () => {
    const slow = await openAndStall();
    await publishMuch(300);
    expect((await connections())[0]?.lag).toBeGreaterThan(100);
    slow.read();
    await eventually(() => slow.size > 300 * 60_000);
    await eventually(async () => (await connections())[0]?.lag === 0);
    await publishMuch(1);
    await eventually(() => /^id: 301-/m.test(slow.received.subarray(-200).toString()));
    expect(seqs(bodyOf(slow.received))).toEqual(range(1, 301));
    slow.close();
    await eventually(async () => (await connections()).length === 0);
  }, 30_000);

  test("gets no heartbeat and no snapshot on top of what waits for it", async () => {
    const slow = await openAndStall();
    await publishMuch(150);
    const [before] = await connections();
    await clock.advance(45_000);
    expect((await connections())[0]?.queued_bytes).toBe(before?.queued_bytes ?? -1);
    slow.close();
    await eventually(async () => (await connections()).length === 0);
  });

  test("and reads on half a minute after it was closed for that is told why, over SSE and WebSocket", async () => {
    await app.stop();
    app = await startApp({ slowSeconds: 0.2 });
    const { stream, socket } = await bothClosedAsSlow();
    // What would cut them are timers of Bun's, of four seconds, which no clock of ours moves.
    await Bun.sleep(9000);
    stream.read();
    socket.read();
    await eventually(() => stream.received.subarray(-7).toString().endsWith("0\r\n\r\n"));
    await eventually(() => socket.closeCode() !== undefined);
    expect(bodyOf(stream.received).slice(-400)).toMatch(/^event: StreamClosing\ndata: .*"reason":"slow".*\nretry: \d+\n\n$/m);
    expect(socket.messages().at(-1)).toMatchObject({ event: "StreamClosing", data: { reason: "slow" } });
    expect(socket.closeCode()).toBe(4008);
  }, 60_000);

  test("takes the place of another until its connection is gone, over SSE and WebSocket", async () => {
    await app.stop();
    app = await startApp({ connectionsMax: 2, slowSeconds: 0.2 });
    const { stream, socket } = await bothClosedAsSlow();
    let kept = 0;
    const firstWord = async () => {
      const another = await ByteStream.open(`${app.url}/api/v1/events`);
      const { event } = dataOf(await another.frame());
      another.close();
      await eventually(async () => (await connections()).length === kept);
      return event;
    };
    expect(await firstWord()).toBe("StreamClosing");
    stream.read();
    await eventually(async () => (await firstWord()) === "ConnectionOpened");
    const next = await ByteStream.open(`${app.url}/api/v1/events`);
    expect(dataOf(await next.frame()).event).toBe("ConnectionOpened");
    kept++;
    expect(await firstWord()).toBe("StreamClosing");
    socket.close();
    await eventually(async () => (await firstWord()) === "ConnectionOpened");
    next.close();
  }, 30_000);

  test("does not keep the server from shutting down", async () => {
    const slow = await openAndStall();
    await publishMuch(150);
    const stopped = app.stop();
    await eventually(async () => {
      await clock.advance(1000);
      return true;
    });
    await stopped;
    slow.read();
    await eventually(() => slow.isClosed);
    app = await startApp({}, { clock });
  });
});

describe("clients that come and go", () => {
  /** How many objects are alive in this process, in which the server runs. */
  async function objects(): Promise<number> {
    // What is counted in batches is counted by then.
    await clock.advance(1000);
    Bun.gc(true);
    return heapStats().objectCount;
  }

  /** Fifty clients, some of whom leave before the answer, some with it, some after the first bytes. */
  async function comeAndGo(round: number): Promise<void> {
    const opening = Array.from({ length: 50 }, async (_, n) => {
      const abort = new AbortController();
      const query =
        n % 3 === 0 ? "?events=RareHappened" : n % 3 === 1 ? `?note_id=n${round}-${n}&batch_ms=1000` : "?since=earliest";
      const answer = fetch(`${app.url}/api/v1/events${query}`, { signal: abort.signal });
      if (n % 5 === 0) setTimeout(() => abort.abort(), n % 7);
      else {
        const response = await answer;
        if (n % 2 === 0) await response.body?.getReader().read();
        abort.abort();
      }
      await answer.catch(() => {});
    });
    await Promise.all(opening);
  }

  /** Fifty long polls that are given up. */
  async function pollAndLeave(timers: number): Promise<void> {
    const abort = new AbortController();
    const polls = Array.from({ length: 50 }, () =>
      fetch(`${app.url}/api/v1/events?transport=poll`, { signal: abort.signal }).catch(() => {}),
    );
    await eventually(() => clock.pending() > timers);
    abort.abort();
    await Promise.all(polls);
  }

  test("three thousand of them leave nothing behind", async () => {
    const timers = clock.pending();
    const gone = () => eventually(async () => (await connections()).length === 0);
    for (let round = 0; round < 10; round++) await comeAndGo(round);
    await gone();
    const before = await objects();
    for (let round = 0; round < 60; round++) await comeAndGo(round);
    await gone();
    expect(clock.pending()).toBe(timers);
    // Less than one object for each that came.
    await eventually(async () => (await objects()) - before < 2000);
    await publishMuch(1);
  }, 30_000);

  test("long polls that are given up leave nothing behind either", async () => {
    const timers = clock.pending();
    const gone = () => eventually(() => clock.pending() === timers);
    for (let round = 0; round < 5; round++) await pollAndLeave(timers);
    await gone();
    const before = await objects();
    for (let round = 0; round < 20; round++) await pollAndLeave(timers);
    await gone();
    await eventually(async () => (await objects()) - before < 700);
  }, 30_000);
});
