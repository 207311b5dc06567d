import { expect, test } from "bun:test";
import { watchedStream } from "../../src/mcp/watched-stream.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";

function open() {
  const clock = new ManualClock();
  const state = { ended: 0, cancelled: 0 };
  let source!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      source = controller;
    },
    cancel() {
      state.cancelled++;
    },
  });
  const response = watchedStream(new Response(body, { status: 200, headers: { "mcp-session-id": "s" } }), {
    clock,
    stalledMs: 60_000,
    onEnd: () => state.ended++,
  });
  const reader = response.body?.getReader();
  if (!reader) throw new Error("there is no body");
  return { clock, state, response, reader, source, say: (text: string) => source.enqueue(new TextEncoder().encode(text)) };
}

const textOf = ({ value }: { value?: Uint8Array | undefined }) => new TextDecoder().decode(value);

test("what comes goes through, headers and all", async () => {
  const { response, reader, say, source, state, clock } = open();
  expect([response.status, response.headers.get("mcp-session-id")]).toEqual([200, "s"]);
  say("one");
  expect(textOf(await reader.read())).toBe("one");
  source.close();
  expect(await reader.read()).toMatchObject({ done: true });
  expect([state.ended, clock.pending()]).toEqual([1, 0]);
});

test("a client that waits for more is left in peace", async () => {
  const { reader, clock, say, state } = open();
  const reading = reader.read();
  await clock.advance(3_600_000);
  say("late");
  expect(textOf(await reading)).toBe("late");
  expect(state.ended).toBe(0);
});

test("a client that takes nothing of what it was sent is cut off", async () => {
  const { reader, clock, say, state } = open();
  const reading = reader.read();
  say("one");
  await reading;
  await clock.advance(59_999);
  expect(state).toEqual({ ended: 0, cancelled: 0 });
  await clock.advance(1);
  expect(state).toEqual({ ended: 1, cancelled: 1 });
  await settle();
  expect(reader.read()).rejects.toThrow("takes nothing");
});

test("a client that goes away ends the stream once", async () => {
  const { reader, clock, state } = open();
  await reader.cancel();
  expect([state, clock.pending()]).toEqual([{ ended: 1, cancelled: 1 }, 0]);
});
