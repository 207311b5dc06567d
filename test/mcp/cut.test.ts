import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { excerptOf, fitEvents, partOf } from "../../src/mcp/cut.ts";

const event = (id: string, chars: number) => ({
  id,
  event: "ThingHappened",
  time: "2026-02-05T10:30:45.123Z",
  subject: null,
  actor: { kind: "user" as const, id: null },
  data: { text: "x".repeat(chars) },
});

describe("a page of events", () => {
  test("is as it was when it is short", () => {
    const slice = { events: [event("1-a", 10)], nextCursor: "5-a", hasMore: false, gap: null };
    expect(fitEvents(slice)).toEqual(slice);
  });

  test("ends early when it gets too long, with the cursor behind its last event", () => {
    const events = Array.from({ length: 20 }, (_, n) => event(`${n}-a`, 7000));
    const fitted = fitEvents({ events, nextCursor: "19-a", hasMore: false, gap: null });
    expect(fitted.events.length).toBeLessThan(10);
    expect(fitted).toMatchObject({ nextCursor: fitted.events.at(-1)?.id, hasMore: true });
  });

  test("holds one event at least, without its data if that alone is too long", () => {
    const { events, nextCursor } = fitEvents({ events: [event("1-a", 1_000_000)], nextCursor: "3-a", hasMore: true, gap: null });
    expect(events).toMatchObject([{ id: "1-a", data: {}, omitted: expect.stringContaining("1000011 characters") }]);
    expect(nextCursor).toBe("3-a");
  });
});

describe("a long text", () => {
  test("comes in parts that make up the whole, and none of which begins or ends within a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 10 }), (text, charsMax) => {
        const parts: string[] = [];
        for (let offset: number | null = 0; offset !== null; ) {
          const { part, nextOffset } = partOf(text, offset, charsMax);
          expect(part.isWellFormed()).toBe(true);
          parts.push(part);
          offset = nextOffset;
        }
        expect(parts.join("")).toBe(text);
      }),
    );
  });

  test("has nothing beyond its end", () => {
    expect(partOf("abc", 10, 5)).toEqual({ part: "", nextOffset: null });
  });
});

describe("an excerpt", () => {
  test("is the beginning when no word is found", () => {
    expect(excerptOf("short", "")).toBe("short");
    expect(excerptOf("a".repeat(400), "needle")).toBe(`${"a".repeat(300)}…`);
  });

  test("is what stands around the first word that is found, in whatever case", () => {
    const excerpt = excerptOf(`${"x ".repeat(1000)}NEEDLE${" y".repeat(1000)}`, "missing needle");
    expect(excerpt).toMatch(/^….*NEEDLE.*…$/);
    expect(excerpt.length).toBeLessThan(310);
  });
});
