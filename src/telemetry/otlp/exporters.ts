import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Protocol } from "./options.ts";

// They read OTEL_EXPORTER_OTLP_* (addresses, headers, time-outs, compression, certificates) themselves.

export async function spanExporter(protocol: Protocol): Promise<SpanExporter> {
  if (protocol === "http/json") return new (await import("@opentelemetry/exporter-trace-otlp-http")).OTLPTraceExporter();
  return new (await import("@opentelemetry/exporter-trace-otlp-proto")).OTLPTraceExporter();
}

export async function metricExporter(protocol: Protocol): Promise<PushMetricExporter> {
  if (protocol === "http/json") return new (await import("@opentelemetry/exporter-metrics-otlp-http")).OTLPMetricExporter();
  return new (await import("@opentelemetry/exporter-metrics-otlp-proto")).OTLPMetricExporter();
}

export async function logExporter(protocol: Protocol): Promise<LogRecordExporter> {
  if (protocol === "http/json") return new (await import("@opentelemetry/exporter-logs-otlp-http")).OTLPLogExporter();
  return new (await import("@opentelemetry/exporter-logs-otlp-proto")).OTLPLogExporter();
}
