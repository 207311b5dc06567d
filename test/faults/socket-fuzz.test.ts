import { afterAll, beforeAll, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import fc from "fast-check";
import { errorLog } from "../support/error-log.ts";
import { eventually } from "../support/eventually.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { hostileValues } from "../support/schema-values.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const runs = Number(process.env.MATRIC_TEST_RUNS ?? 300);
const { logger, errors } = errorLog();
const Connections = Type.Object({ items: Type.Array(Type.Object({ id: Type.String() })), next_cursor: Type.Null() });

let app: TestApp;
let witness: RawSocket;

beforeAll(async () => {
  app = await startApp({}, { logger });
  witness = await RawSocket.open(app.url, "?events=Never");
});
afterAll(async () => {
  witness.close();
  await app.stop();
});

/** A frame as any program might make it, or get wrong: the length that it tells need not be its own. */
const frames = fc
  .record({
    fin: fc.boolean(),
    reserved: fc.constantFrom(0, 0, 0, 0, 1, 2, 4, 7),
    opcode: fc.constantFrom(0, 0, 1, 1, 1, 2, 3, 7, 8, 9, 10, 11, 15),
    isMasked: fc.constantFrom(true, true, true, true, false),
    payload: fc.oneof(
      { weight: 3, arbitrary: fc.uint8Array({ maxLength: 130 }) },
      { weight: 1, arbitrary: fc.constantFrom(126, 65_535, 65_536, 131_073).map((length) => new Uint8Array(length).fill(0x61)) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom([0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80])
          .map((bytes) => new Uint8Array(bytes)),
      },
    ),
    lie: fc.option(fc.constantFrom(0n, 1n, 126n, 65_536n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n), {
      freq: 6,
    }),
  })
  .map(({ fin, reserved, opcode, isMasked, payload, lie }) => {
    const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
    return Buffer.concat([
      Buffer.from([first]),
      lengthOf(lie ?? BigInt(payload.length), isMasked),
      isMasked ? Buffer.alloc(4) : Buffer.alloc(0),
      payload,
    ]);
  });

/** A zero mask leaves the payload as it is. */
function lengthOf(length: bigint, isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0;
  if (length < 126n) return Buffer.from([mask | Number(length)]);
  const bytes = Buffer.alloc(length < 65_536n ? 3 : 9);
  bytes[0] = mask | (length < 65_536n ? 126 : 127);
  if (length < 65_536n) bytes.writeUInt16BE(Number(length), 1);
  else bytes.writeBigUInt64BE(length, 1);
  return bytes;
}

const closings = fc.tuple(fc.integer({ min: 0, max: 65_535 }), fc.uint8Array({ maxLength: 123 })).map(([code, reason]) => {
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), reason]);
  return Buffer.concat([Buffer.from([0x88]), lengthOf(BigInt(payload.length), true), Buffer.alloc(4), payload]);
});

/** Messages of the protocol with something wrong in them; the connection must live on. */
const messages = fc
  .record({
    op: fc.oneof(fc.constantFrom("subscribe", "unsubscribe", "ping", "auth", "refresh"), hostileValues),
    field: fc.constantFrom("topics", "events", "note_id", "job_id", "since", "ref", "token", "other"),
    value: hostileValues,
  })
  .map(({ op, field, value }) => JSON.stringify({ op, [field]: value }));

const opened = (socket: RawSocket) => socket.messages().length >= 2;

async function answersOthers(ref: number): Promise<void> {
  witness.sendJson({ op: "ping", ref });
  await eventually(() => witness.messages().some((message) => message.op === "pong" && message.ref === ref));
}

async function openCount(): Promise<number> {
  return (await app.call(Connections, "GET", "/connections")).body.items.length;
}

let ref = 0;

test(
  "frames at random end their own connection at most, and leave nothing behind",
  async () => {
    const bytes = fc.oneof(
      { weight: 6, arbitrary: fc.array(frames, { minLength: 1, maxLength: 8 }).map((list) => Buffer.concat(list)) },
      { weight: 1, arbitrary: closings },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 500 }).map((list) => Buffer.from(list)) },
    );
    const attack = fc.asyncProperty(bytes, fc.boolean(), async (sent, hasSeenHello) => {
      const socket = await RawSocket.open(app.url);
      if (hasSeenHello) await eventually(() => opened(socket));
      socket.sendRaw(sent);
      await answersOthers(++ref);
      const code = socket.closeCode();
      // Codes that a server may send (RFC 6455, section 7.4).
      if (code !== undefined)
        expect([code, (code >= 1000 && code <= 1011) || code === 1005 || code >= 3000]).toEqual([code, true]);
      socket.close();
    });
    // What the first ones make stays: code, buffers.
    await fc.assert(attack, { numRuns: 50, seed: 2 });
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    await fc.assert(attack, { numRuns: runs, seed: 1 });
    await eventually(async () => (await openCount()) === 1);
    Bun.gc(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(30 * 1024 * 1024);
    expect(errors).toEqual([]);
  },
  60_000 + runs * 200,
);

test("messages at random are each answered, and the connection lives on", async () => {
  const socket = await RawSocket.open(app.url);
  await eventually(() => opened(socket));
  let sent = 0;
  const property = fc.asyncProperty(messages, async (text) => {
    if (Buffer.byteLength(text) > 60_000) return;
    socket.send("text", text);
    socket.sendJson({ op: "ping", ref: `after ${++sent}` });
    await eventually(() => socket.messages().at(-1)?.ref === `after ${sent}`);
  });
  await fc.assert(property, { numRuns: Math.min(runs, 300), seed: 1 });
  expect([socket.closeCode(), socket.isClosed]).toEqual([undefined, false]);
  const answers = socket.messages().filter(({ op }) => op !== undefined);
  expect(answers.length).toBeGreaterThanOrEqual(2 * sent - 5);
  socket.close();
  await eventually(async () => (await openCount()) === 1);
  expect(errors).toEqual([]);
}, 60_000);
