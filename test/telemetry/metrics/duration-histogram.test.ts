import { expect, test } from "bun:test";
import { Histogram, Registry } from "prom-client";
import { DurationHistogram } from "../../../src/telemetry/metrics/duration-histogram.ts";
import { expose, familiesOf } from "../../../src/telemetry/metrics/exposition.ts";

const told = { name: "work_duration_seconds", help: "How long the work took." };
const bounds = [0.001, 0.01, 0.1, 1];

test("shows what prom-client's own histogram shows of the same durations", async () => {
  const registry = new Registry();
  const theirs = new Histogram({ ...told, labelNames: ["kind"], buckets: bounds, registers: [registry] });
  const ours = new DurationHistogram({ ...told, bounds });
  for (const kind of ["short", "long"]) {
    const series = ours.series({ kind });
    theirs.zero({ kind });
    for (const seconds of [0, 0.0005, 0.001, 0.0011, 0.05, 0.1, 0.9, 1, 1.5, 3600]) {
      const lasted = kind === "long" ? seconds * 2 : seconds;
      series.add(lasted);
      theirs.observe({ kind }, lasted);
    }
  }
  for (const format of ["text", "openmetrics"] as const) {
    expect(expose([ours.family()], format)).toEqual(expose(await familiesOf(registry), format));
  }
});

test("a series is told before anything is counted in it", () => {
  const histogram = new DurationHistogram({ ...told, bounds });
  expect(histogram.family().samples).toEqual([]);
  histogram.series({ kind: "none yet" });
  expect(histogram.family().samples.map(({ value }) => value)).toEqual([0, 0, 0, 0, 0, 0, 0]);
});
