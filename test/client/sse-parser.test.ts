import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type SseMessage, SseParser } from "../../src/client/sse-parser.ts";
import { sseFrame } from "../../src/http/sse.ts";

const utf8 = new TextEncoder();

function parse(...chunks: (string | Uint8Array)[]): SseMessage[] {
  const parser = new SseParser();
  return chunks.flatMap((chunk) => parser.push(typeof chunk === "string" ? utf8.encode(chunk) : chunk));
}

const message = (data: string, more: Partial<SseMessage> = {}): SseMessage => ({
  event: "message",
  data,
  id: undefined,
  ...more,
});

describe("the reader of event streams", () => {
  test("reads event, data and id", () => {
    expect(parse("event: NoteUpdated\ndata: {}\nid: 7-abc\n\n")).toEqual([{ event: "NoteUpdated", data: "{}", id: "7-abc" }]);
  });

  test("takes LF, CR and CRLF as line ends, mixed", () => {
    expect(parse("data: a\n\ndata: b\r\rdata: c\r\n\r\ndata: d\r\n\n")).toEqual(
      ["a", "b", "c", "d"].map((data) => message(data)),
    );
  });

  test("does not see an empty line in a CRLF that is cut in two", () => {
    expect(parse("data: a\r", "\ndata: b\r", "\n\r", "\n")).toEqual([message("a\nb")]);
  });

  test("a CR at the end of a chunk ends the line at once", () => {
    expect(parse("data: a\r\r")).toEqual([message("a")]);
  });

  test("drops a byte order mark at the beginning, and only there", () => {
    expect(parse(new Uint8Array([0xef, 0xbb]), new Uint8Array([0xbf]), "data: a\n\n\ufeffdata: b\n\n")).toEqual([message("a")]);
  });

  test("joins several data lines, empty ones too", () => {
    expect(parse("data: a\ndata\ndata:\ndata:  b\n\n")).toEqual([message("a\n\n\n b")]);
    expect(parse("data\n\n")).toEqual([message("")]);
  });

  test("ignores comments, unknown fields and frames without data", () => {
    expect(parse(": heartbeat\n\nfoo: bar\nevent: Lost\n\ndata: a\n\n")).toEqual([message("a")]);
  });

  test("ignores an id that contains NUL and a retry that is not a number", () => {
    const parser = new SseParser();
    expect(parser.push(utf8.encode("id: 1\0\nretry: soon\ndata: a\n\n"))).toEqual([message("a")]);
    expect(parser.retryMs).toBeUndefined();
    expect(parser.lastEventId).toBe("");
  });

  test("keeps retry, and the last id also of a frame without data", () => {
    const parser = new SseParser();
    parser.push(utf8.encode("retry: 1500\nid: 9-abc\n\n: more\n\n"));
    expect(parser.retryMs).toBe(1500);
    expect(parser.lastEventId).toBe("9-abc");
  });

  test("an id counts only when its frame is complete", () => {
    const parser = new SseParser();
    parser.push(utf8.encode("id: 1\ndata: a\n\nid: 2\ndata: b\n"));
    expect(parser.lastEventId).toBe("1");
  });

  test("hands on nothing of a frame that is cut off", () => {
    expect(parse("data: a\n\ndata: b\n")).toEqual([message("a")]);
  });

  test("refuses a line that never ends", () => {
    const parser = new SseParser();
    const chunk = utf8.encode("x".repeat(1024 * 1024));
    expect(() => {
      for (let i = 0; i < 20; i++) parser.push(chunk);
    }).toThrow("does not end");
  });

  test("any chunking of a stream gives the same messages", () => {
    const line = fc.oneof(
      fc.constantFrom("", "data", "data:", ": comment", "event: Foo", "id: 12-ab", "id: \0", "retry: 10", "data: äöü €😀"),
      fc.string({ unit: "grapheme" }).map((text) => `data: ${text}`),
    );
    const ending = fc.constantFrom("\n", "\r", "\r\n");
    fc.assert(
      fc.property(fc.array(fc.tuple(line, ending)), fc.array(fc.nat(), { maxLength: 40 }), (lines, cuts) => {
        const bytes = utf8.encode(lines.map(([text, end]) => text + end).join(""));
        const points = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
        const chunks = [...points, bytes.length].map((point, index) => bytes.subarray(points[index - 1] ?? 0, point));
        expect(parse(...chunks)).toEqual(parse(bytes));
      }),
    );
  });

  test("reads back what the server writes", () => {
    const text = fc.string({ unit: "grapheme" }).map((raw) => JSON.stringify({ raw }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("NoteUpdated", "Foo"), text)), (events) => {
        const frames = events
          .map(([event, data], index) => sseFrame({ event, data, id: `${index}-abc` }))
          .join(": heartbeat\n\n");
        expect(parse(frames)).toEqual(events.map(([event, data], index) => ({ event, data, id: `${index}-abc` })));
      }),
    );
  });
});
