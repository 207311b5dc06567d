import { type Logger as OtelLogger, SeverityNumber } from "@opentelemetry/api";
import type { Clock } from "../../clock.ts";
import type { LogFields, Logger, LogLevel } from "../../logger.ts";
import { contextOf } from "./otlp-tracing.ts";

const severities: Record<LogLevel, SeverityNumber> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

export interface OtlpLoggerOptions {
  /** Gets every line too. */
  inner: Logger;
  clock: Clock;
  /** By target. */
  sinkFor: (target: string) => OtelLogger;
  current: () => string | undefined;
}

/** The server's log, sent out as OTLP log records beside what it writes itself. */
export function otlpLogger(options: OtlpLoggerOptions, target = "matric"): Logger {
  const { inner, clock, sinkFor, current } = options;
  const sink = sinkFor(target);
  const log =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}, atMs: number = clock.now()) => {
      if (!inner.enabled(level)) return;
      inner[level](message, fields, atMs);
      const { trace_id, span_id, ...attributes } = fields;
      const traceparent = typeof trace_id === "string" ? `00-${trace_id}-${span_id}-01` : current();
      sink.emit({
        timestamp: atMs,
        observedTimestamp: clock.now(),
        severityNumber: severities[level],
        severityText: level.toUpperCase(),
        body: message,
        attributes: { ...definedOf(attributes) },
        context: contextOf(traceparent),
      });
    };
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    enabled: (level) => inner.enabled(level),
    as: (name) => otlpLogger({ ...options, inner: inner.as(name) }, name),
  };
}

function definedOf(fields: LogFields): Record<string, string | number | boolean> {
  const defined: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(fields)) if (value !== undefined && value !== null) defined[key] = value;
  return defined;
}
