import { expect, test } from "bun:test";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { ReplayBuffer } from "../../src/mcp/replay-buffer.ts";

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
  for (const strange of ["", "12", "a/", "/1", "a/b", "a/1/x"]) {
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
