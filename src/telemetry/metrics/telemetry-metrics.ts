import { Counter, type Registry } from "prom-client";

/** What did not get through, so that nobody takes silence for peace. */
export function registerTelemetryItself(
  registry: Registry,
  mirror: { readonly dropped: number; readonly malformed: number },
  linesDropped: () => number,
  sent: { readonly spans: number; readonly logRecords: number } | undefined,
): void {
  const registers = [registry];
  new Counter({
    name: "matric_telemetry_dropped_total",
    help: "What was not told: events of the mirror (too many), lines of the log (nobody reads), spans and log records (no collector takes them).",
    labelNames: ["what"],
    registers,
    collect() {
      this.reset();
      this.inc({ what: "event" }, mirror.dropped);
      this.inc({ what: "line" }, linesDropped());
      if (!sent) return;
      this.inc({ what: "span" }, sent.spans);
      this.inc({ what: "log_record" }, sent.logRecords);
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
