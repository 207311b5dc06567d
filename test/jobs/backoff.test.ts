import { expect, test } from "bun:test";
import { retryDelayMs } from "../../src/jobs/backoff.ts";

test("the wait grows five-fold with every attempt, up to an hour", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 20].map((attempt) => retryDelayMs(attempt) / 1000)).toEqual([
    1, 5, 25, 125, 625, 3125, 3600, 3600,
  ]);
});

test("a wait that was asked for lengthens it, and never shortens it", () => {
  expect(retryDelayMs(2, 17_000)).toBe(17_000);
  expect(retryDelayMs(2, 1000)).toBe(5000);
  expect(retryDelayMs(1, 86_400_000)).toBe(3_600_000);
});
