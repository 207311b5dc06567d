import { expect, test } from "bun:test";
import { ago, duration } from "../../cli/when.ts";

test.each([
  [0, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [3_599_999, "59 min"],
  [86_399_999, "23 h"],
  [400 * 86_400_000, "400 d"],
])("%i ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test("a time is so long ago, and never in the future", () => {
  const nowMs = Date.parse("2026-02-05T10:30:45.000Z");
  expect(ago("2026-02-05T10:28:45.000Z", nowMs)).toBe("2 min ago");
  expect(ago("2026-02-05T10:31:45.000Z", nowMs)).toBe("now");
});
