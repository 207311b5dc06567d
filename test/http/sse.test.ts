import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SseParser } from "../../src/client/sse-parser.ts";
import type { StoredEvent } from "../../src/events/log.ts";
import { encodeNdjson, encodeSse, sseFrame, sseHeartbeat } from "../../src/http/sse.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const event = (seq: number, name: string, body: string): StoredEvent => ({
  seq,
  id: `${seq}-abc123`,
  name,
  at: 0,
  noteId: null,
  jobId: null,
  text: body,
});

describe("a frame", () => {
  test("has its fields in the order event, data, id, retry", () => {
    expect(sseFrame({ retryMs: 1500.4, id: "3-a", data: "{}", event: "Thing" })).toBe(
      "event: Thing\ndata: {}\nid: 3-a\nretry: 1500\n\n",
    );
    expect(sseFrame({ data: "x" })).toBe("data: x\n\n");
  });

  test.each(["\n", "\r", "\r\n", "\0"])("with %j in a field is refused: it would begin a field of its own", (bad) => {
    for (const field of ["event", "data", "id"]) expect(() => sseFrame({ [field]: `a${bad}id: 9` })).toThrow("line break");
    expect(() => encodeSse([event(1, `A${bad}b`, "{}")])).toThrow("line break");
    expect(() => encodeSse([event(1, "A", `{}${bad}`)])).toThrow("line break");
  });
});

test("a batch is all its frames in one piece, and a heartbeat is a comment", () => {
  expect(text(encodeSse([event(1, "A", '{"é":1}'), event(2, "B", "{}")]))).toBe(
    'event: A\ndata: {"é":1}\nid: 1-abc123\n\nevent: B\ndata: {}\nid: 2-abc123\n\n',
  );
  expect(text(encodeNdjson([event(1, "A", '{"a":1}'), event(2, "B", "{}")]))).toBe('{"a":1}\n{}\n');
  expect(text(encodeSse([]))).toBe("");
  expect(text(sseHeartbeat)).toBe(": heartbeat\n\n");
});

test("a client reads what was written, however it is cut on the way", () => {
  const events = fc.array(fc.record({ name: fc.stringMatching(/^[A-Z][a-zA-Z]{0,8}$/), data: fc.jsonValue() }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 7 }), (list, size) => {
      const stored = list.map(({ name, data }, index) => event(index, name, JSON.stringify({ data })));
      const bytes = encodeSse(stored);
      const parser = new SseParser();
      const parsed = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        parser.push(bytes.slice(index * size, (index + 1) * size)),
      ).flat();
      expect(parsed.map(({ event, data, id }) => [event, data, id])).toEqual(
        stored.map(({ name, text, id }) => [name, text, id]),
      );
    }),
    { numRuns: 200 },
  );
});
