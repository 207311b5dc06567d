import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createEpoch, formatCursor, parseCursor } from "../../src/events/cursor.ts";

describe("a cursor", () => {
  test("is read back as it was written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (seq) => {
        const epoch = createEpoch();
        expect(parseCursor(formatCursor(seq, epoch))).toEqual({ seq, epoch });
      }),
    );
  });

  test("may be a bare number", () => {
    expect(parseCursor("12345")).toEqual({ seq: 12345, epoch: undefined });
    expect(parseCursor("0")).toEqual({ seq: 0, epoch: undefined });
  });

  test.each([
    "",
    " ",
    "-",
    "-abc",
    "1-",
    "1-ABC",
    "1-a-b",
    "1.5",
    "1e3",
    "+1",
    "-1",
    " 1",
    "1\n",
    "1-abc\n",
    "0x10",
    "١",
    "1-épo",
    "9".repeat(16),
    `1-${"a".repeat(17)}`,
    "earliest",
    "null",
    "1-a\0",
  ])("%j is none", (text) => {
    expect(parseCursor(text)).toBeUndefined();
  });

  test("no text makes it fail, and what it reads is exact", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d+(-[a-z0-9]*)?$/)), (text) => {
        const cursor = parseCursor(text);
        if (!cursor) return;
        expect(Number.isSafeInteger(cursor.seq)).toBe(true);
        expect(text.replace(/^0+(?=\d)/, "")).toBe(
          cursor.epoch === undefined ? String(cursor.seq) : formatCursor(cursor.seq, cursor.epoch),
        );
      }),
    );
  });
});

test("lives of a log have names of their own", () => {
  const epochs = new Set(Array.from({ length: 1000 }, createEpoch));
  expect(epochs.size).toBeGreaterThan(995);
  for (const epoch of epochs) expect(epoch).toMatch(/^[a-z0-9]{6}$/);
});
