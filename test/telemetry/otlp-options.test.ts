import { describe, expect, test } from "bun:test";
import { otlpOptions } from "../../src/telemetry/otlp/options.ts";
import { spanContextOf, traceparentOf } from "../../src/telemetry/otlp/span-context.ts";
import { sameTrace } from "../../src/tracing.ts";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

describe("the OTEL_* variables", () => {
  test("send nothing out unless an address is named", () => {
    expect(otlpOptions({})).toBeUndefined();
    expect(otlpOptions({ OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_SERVICE_NAME: "x" })).toBeUndefined();
    expect(otlpOptions({ ...endpoint, OTEL_SDK_DISABLED: "true" })).toBeUndefined();
    const none = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" };
    expect(otlpOptions({ ...endpoint, ...none })).toBeUndefined();
  });

  test("send all three signals, by protobuf, all of them sampled", () => {
    expect(otlpOptions(endpoint)).toMatchObject({
      protocols: { traces: "http/protobuf", metrics: "http/protobuf", logs: "http/protobuf" },
      sampler: { name: "parentbased_always_on", ratio: 1 },
      metricIntervalMs: 5000,
    });
  });

  test("can ask for one signal, and for a protocol of its own", () => {
    const options = otlpOptions({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example/v1/traces",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
    });
    expect(options).toMatchObject({
      protocols: { traces: "http/json" },
      sampler: { name: "traceidratio", ratio: 0.25 },
      spans: { maxQueueSize: 100, maxExportBatchSize: 100 },
    });
    expect(Object.keys(options?.protocols ?? {})).toEqual(["traces"]);
  });

  test.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "smoke"],
    ["OTEL_EXPORTER_OTLP_COMPRESSION", "snappy"],
    ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "soon"],
    ["OTEL_TRACES_SAMPLER", "sometimes"],
    ["OTEL_TRACES_SAMPLER_ARG", "2"],
    ["OTEL_METRIC_EXPORT_INTERVAL", "soon"],
    ["OTEL_TRACES_EXPORTER", "zipkin"],
  ])("are refused by name when they cannot be used: %s=%s", (name, value) => {
    expect(() => otlpOptions({ ...endpoint, [name]: value })).toThrow(new RegExp(`^${name} must be .*"${value}"`));
  });
});

describe("a traceparent", () => {
  const text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  test("is read and written as it is", () => {
    const context = spanContextOf(text);
    expect(context).toMatchObject({ spanId: "00f067aa0ba902b7", traceFlags: 1, isRemote: true });
    expect(context && traceparentOf(context)).toBe(text);
  });

  test("of a later version is read as far as it is known", () => {
    for (const later of [text.replace("00-", "01-"), `${text.replace("00-", "cc-")}-what-the-future-will-be-like`]) {
      expect(spanContextOf(later)).toMatchObject({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" });
    }
  });

  test.each([
    "",
    "00-x",
    `${text.replace("00-", "01-")}.more`,
    `${text}, ${text}`,
    text.replace("-01", "-zz"),
    text.replace("00f067aa0ba902b7", "0000000000000000"),
    text.replace("00-", "ff-"),
    text.replace("4bf9", "4BF9"),
    `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
    `${text}-more`,
  ])("that is none is not believed: %p", (wrong) => {
    expect(spanContextOf(wrong)).toBeUndefined();
  });

  test("of the work under way goes before a stored one of the same trace, and only of that", () => {
    const near = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01";
    const other = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1111111111111111-01";
    expect([sameTrace(text, near), sameTrace(text, other), sameTrace(text, undefined), sameTrace(null, other)]).toEqual([
      near,
      text,
      text,
      other,
    ]);
  });
});
