import { expect, test } from "bun:test";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { isOver, ReplayBuffer, waitsForAnswer } from "../../src/mcp/replay-buffer.ts";

const message = (text: string): JSONRPCMessage => ({ jsonrpc: "2.0", method: "test", params: { text } });

async function replay(buffer: ReplayBuffer, after: string): Promise<[string, unknown][]> {
  const sent: [string, unknown][] = [];
  await buffer.replayEventsAfter(after, {
    async send(id, sentMessage) {
      sent.push([id, "params" in sentMessage ? sentMessage.params?.text : sentMessage]);
    },
  });
  return sent;
}

test("a stream goes on after the message that its client has seen, and only that stream", async () => {
  const buffer = new ReplayBuffer();
  const opening = await buffer.storeEvent("a", {} as JSONRPCMessage);
  const first = await buffer.storeEvent("a", message("one"));
  await buffer.storeEvent("b", message("of another stream"));
  const second = await buffer.storeEvent("a", message("two"));
  expect(await replay(buffer, opening)).toEqual([
    [first, "one"],
    [second, "two"],
  ]);
  expect(await replay(buffer, first)).toEqual([[second, "two"]]);
  expect(await replay(buffer, second)).toEqual([]);
});

test("the stream of a message is known even when the message is not", async () => {
  const buffer = new ReplayBuffer();
  expect(await buffer.getStreamIdForEventId("0197-a/12")).toBe("0197-a");
  expect(await buffer.getStreamIdForEventId("_GET_stream/3")).toBe("_GET_stream");
  expect(await buffer.getStreamIdForEventId("0197-a/12/WzJd")).toBe("0197-a");
  for (const strange of ["", "12", "a/", "/1", "a/b", "a/1/", "a/1/x/y", "a/1/%"]) {
    expect([strange, await buffer.getStreamIdForEventId(strange)]).toEqual([strange, undefined]);
  }
});

test("the oldest messages are forgotten when there are many, or when they are long, but never the newest", async () => {
  const many = new ReplayBuffer();
  for (let n = 0; n < 200; n++) await many.storeEvent("a", message(String(n)));
  expect((await replay(many, "a/0")).map(([, text]) => text)).toEqual(Array.from({ length: 64 }, (_, n) => String(136 + n)));
  const long = new ReplayBuffer();
  for (const text of ["a", "b", "c"]) await long.storeEvent("a", message(text.repeat(200_000)));
  expect((await replay(long, "a/0")).map(([id]) => id)).toEqual(["a/3"]);
  const answers = new ReplayBuffer();
  for (let id = 0; id < 10; id++) {
    const text = "x".repeat(30_000);
    await answers.storeEvent("a", {
      jsonrpc: "2.0",
      id,
      result: { content: [{ type: "text", text }], structuredContent: { text } },
    });
  }
  expect((await replay(answers, "a/0")).map(([id]) => id)).toEqual(["a/7", "a/8", "a/9", "a/10"]);
});

const call = (id: number | string) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "x" } });
const answer = (id: number): JSONRPCMessage => ({ jsonrpc: "2.0", id, result: { content: [] } });

/** What a client is sent that comes back after `lastEventId`: the ids of the requests that are answered, and how. */
async function answersAfter(buffer: ReplayBuffer, lastEventId: string): Promise<[unknown, string][]> {
  const sent: [unknown, string][] = [];
  await buffer.replayEventsAfter(lastEventId, {
    async send(_id, message) {
      if ("id" in message) sent.push([message.id, "error" in message ? message.error.message.slice(0, 18) : "answered"]);
    },
  });
  return sent;
}

test("a client that comes back for an answer gets it, waits for it, or is told that it is lost", async () => {
  const buffer = new ReplayBuffer();
  const opening = await buffer.handling(call(7), () => buffer.storeEvent("a", {} as JSONRPCMessage));
  expect(waitsForAnswer(opening)).toBe(true);
  expect(await answersAfter(buffer, opening)).toEqual([]);
  await buffer.storeEvent("a", answer(7));
  expect(await answersAfter(buffer, opening)).toEqual([[7, "answered"]]);
  for (let n = 0; n < 100; n++) await buffer.storeEvent("b", message("later"));
  expect(await answersAfter(buffer, opening)).toEqual([[7, "The answer is lost"]]);
  expect(await answersAfter(new ReplayBuffer(), opening)).toEqual([[7, "The answer is lost"]]);
});

test("every request of a batch is told of, and requests that are handled at the same time are not mixed up", async () => {
  const buffer = new ReplayBuffer();
  const open = (body: unknown, stream: string) =>
    buffer.handling(body, async () => {
      await Promise.resolve();
      return buffer.storeEvent(stream, {} as JSONRPCMessage);
    });
  const [first, second] = await Promise.all([open([call(1), call("two")], "a"), open(call("three/?"), "b")]);
  const other = new ReplayBuffer();
  expect((await answersAfter(other, first)).map(([id]) => id)).toEqual([1, "two"]);
  expect((await answersAfter(other, second)).map(([id]) => id)).toEqual(["three/?"]);
});

test("nothing comes after the last answer of a stream, and its id says so to any process", async () => {
  const buffer = new ReplayBuffer();
  const opening = await buffer.handling([call(1), call(2)], () => buffer.storeEvent("a", {} as JSONRPCMessage));
  const first = await buffer.storeEvent("a", answer(1));
  expect([opening, first].map((id) => [isOver(id), waitsForAnswer(id)])).toEqual([
    [false, true],
    [false, true],
  ]);
  expect((await answersAfter(new ReplayBuffer(), first)).map(([id]) => id)).toEqual([2]);
  const last = await buffer.storeEvent("a", answer(2));
  expect([isOver(last), waitsForAnswer(last)]).toEqual([true, false]);
  expect(await answersAfter(buffer, last)).toEqual([]);
  expect(await answersAfter(new ReplayBuffer(), last)).toEqual([]);
  const lostBatch = (await replay(new ReplayBuffer(), opening)).map(([id]) => id);
  expect(lostBatch.map((id) => [isOver(id), waitsForAnswer(id)])).toEqual([
    [false, true],
    [true, false],
  ]);
  const again = (await replay(buffer, first)).map(([id]) => id);
  const lost = (await replay(new ReplayBuffer(), first)).map(([id]) => id);
  expect([again, lost.map(isOver)]).toEqual([[last], [true]]);
  const told = await buffer.storeEvent("_GET_stream", message("told"));
  expect([told, "a/1/..", "nonsense", null].map(isOver)).toEqual([false, false, false, false]);
});

test("nobody waits for the answer to what is no request", async () => {
  const buffer = new ReplayBuffer();
  const ids = [
    await buffer.storeEvent("_GET_stream", message("told")),
    await buffer.handling({ jsonrpc: "2.0", method: "notifications/x" }, () => buffer.storeEvent("a", {} as JSONRPCMessage)),
    "a/1/bm9uc2Vuc2U",
    "nonsense",
    null,
  ];
  for (const id of ids) expect([id, waitsForAnswer(id)]).toEqual([id, false]);
  expect(await answersAfter(buffer, "x/1/bm9uc2Vuc2U")).toEqual([]);
});
