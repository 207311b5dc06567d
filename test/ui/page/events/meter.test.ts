import { expect, test } from "bun:test";
import { Meter } from "../../../../src/ui/page/events/meter.ts";

const beginMs = Date.parse("2026-01-01T00:00:00.000Z");

/** So many events in a second, each of which was on its way 1, 2, 3 … ms. */
function count(meter: Meter, second: number, events: number): void {
  for (let ms = 1; ms <= events; ms++) {
    const receivedAtMs = beginMs + second * 1000 + 900;
    meter.count(JSON.stringify({ time: new Date(receivedAtMs - ms).toISOString() }), receivedAtMs);
  }
}

test("every second has its count and its latencies, and one without events has none", () => {
  const meter = new Meter();
  count(meter, 0, 100);
  count(meter, 2, 1);
  const [first, between, last] = meter.seconds(beginMs + 3000).slice(-3);
  expect(first).toEqual({ at: beginMs / 1000, events: 100, medianMs: 51, slowMs: 96 });
  expect(between).toEqual({ at: beginMs / 1000 + 1, events: 0, medianMs: undefined, slowMs: undefined });
  expect(last).toEqual({ at: beginMs / 1000 + 2, events: 1, medianMs: 1, slowMs: 1 });
});

test("what comes late belongs to the second in which it was received", () => {
  const meter = new Meter();
  count(meter, 0, 2);
  expect(meter.seconds(beginMs + 1000).at(-1)?.events).toBe(2);
  count(meter, 0, 3);
  expect(meter.seconds(beginMs + 1000).at(-1)?.events).toBe(5);
});

test("seconds of long ago keep their figures", () => {
  const meter = new Meter();
  count(meter, 0, 100);
  count(meter, 60, 1);
  expect(meter.seconds(beginMs + 61_000).at(-61)).toEqual({ at: beginMs / 1000, events: 100, medianMs: 51, slowMs: 96 });
  expect(meter.seconds(beginMs + 1_000_000).some(({ events }) => events > 0)).toBe(false);
});
