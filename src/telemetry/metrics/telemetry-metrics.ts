import { Counter, type Registry } from "prom-client";

/** What did not get through, so that nobody takes silence for peace. */
export function registerTelemetryItself(
  registry: Registry,
  mirror: { readonly dropped: number; readonly malformed: number },
  linesDropped: () => number,
): void {
  const registers = [registry];
  new Counter({
    name: "matric_telemetry_dropped_total",
    help: "What was not told because it was too much: events of the mirror, lines of the log whose reader does not read.",
    labelNames: ["what"],
    registers,
    collect() {
      this.reset();
      this.inc({ what: "event" }, mirror.dropped);
      this.inc({ what: "line" }, linesDropped());
    },
  });
  new Counter({
    name: "matric_telemetry_malformed_total",
    help: "Events that were not what the registry says, and were skipped.",
    registers,
    collect() {
      this.reset();
      this.inc(mirror.malformed);
    },
  });
}
