import { describe, expect, test } from "bun:test";
import { every, systemClock, timestamp } from "../src/clock.ts";
import { ManualClock } from "./support/manual-clock.ts";

describe("every", () => {
  test("runs again and again, until it is cancelled", async () => {
    const clock = new ManualClock();
    let runs = 0;
    const cancel = every(clock, 1000, () => runs++);
    await clock.advance(999);
    expect(runs).toBe(0);
    await clock.advance(3001);
    expect(runs).toBe(4);
    cancel();
    cancel();
    await clock.advance(5000);
    expect(runs).toBe(4);
    expect(clock.pending()).toBe(0);
  });

  test("can be cancelled by its own task", async () => {
    const clock = new ManualClock();
    let runs = 0;
    const cancel = every(clock, 10, () => {
      runs++;
      cancel();
    });
    await clock.advance(100);
    expect(runs).toBe(1);
    expect(clock.pending()).toBe(0);
  });
});

describe("the clock of the system", () => {
  test("goes forward, and its timers can be cancelled", async () => {
    const started = systemClock.monotonicMs();
    let cancelled = false;
    const cancel = systemClock.after(1, () => {
      cancelled = true;
    });
    cancel();
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
    expect(cancelled).toBe(false);
    expect(systemClock.monotonicMs()).toBeGreaterThan(started);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  });

  test("does not run a task at once that is due in a year", async () => {
    let ran = false;
    const cancel = systemClock.after(365 * 86_400_000, () => {
      ran = true;
    });
    await new Promise<void>((resolve) => systemClock.after(-5, resolve));
    expect(ran).toBe(false);
    cancel();
  });
});

test("a time is written in RFC 3339, in UTC, with milliseconds", () => {
  const ms = Date.UTC(2026, 1, 5, 10, 30, 45, 7);
  expect([timestamp(ms), timestamp(ms), timestamp(0), timestamp(ms + 1)]).toEqual([
    "2026-02-05T10:30:45.007Z",
    "2026-02-05T10:30:45.007Z",
    "1970-01-01T00:00:00.000Z",
    "2026-02-05T10:30:45.008Z",
  ]);
});
