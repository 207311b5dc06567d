import { DiagLogLevel, diag } from "@opentelemetry/api";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../logger.ts";
import type { Tracing } from "../../tracing.ts";
import type { Family } from "../metrics/exposition.ts";
import { logExporter, metricExporter, spanExporter } from "./exporters.ts";
import { Losses } from "./losses.ts";
import { RegistryProducer } from "./metric-producer.ts";
import type { OtlpOptions } from "./options.ts";
import { otlpLogger } from "./otlp-logger.ts";
import { OtlpTracing } from "./otlp-tracing.ts";

const scope = "matric";
/** What the SDK has to say of itself is told this often at most. */
const complaintEveryMs = 60_000;
const reasonCharsMax = 500;
/** At the end what is left is sent for so long. */
const lastWordsMs = 3000;

export interface OtlpDeps {
  options: OtlpOptions;
  clock: Clock;
  logger: Logger;
  version: string;
}

/** What goes out by OTLP. */
export interface Otlp {
  /** Undefined when no traces are wanted. */
  tracing: Tracing | undefined;
  /** The same log, sent out too if logs are wanted. */
  logger: Logger;
  readonly losses: Losses;
  /** From now on these are sent out, if metrics are wanted. */
  send(families: () => Promise<readonly Family[]>): void;
  /** Sends what is left, for a few seconds at most. */
  stop(): Promise<void>;
}

/** Loads and starts the exporters. Nothing of them is there for a server that is not configured for them. */
export async function startOtlp({ options, clock, logger, version }: OtlpDeps): Promise<Otlp> {
  complainInto(logger.as("matric::otlp"), clock);
  const own = resourceFromAttributes({
    "service.name": "matric",
    "service.version": version,
    "service.instance.id": crypto.randomUUID(),
  });
  const resource = defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
  const stops: (() => Promise<void>)[] = [];
  const losses = new Losses();
  const { traces, logs, metrics } = options.protocols;

  let tracing: Tracing | undefined;
  if (traces) {
    const exporter = await spanExporter(traces);
    const selfObsMeterProvider = losses.meterProvider("spans");
    const spanProcessors = [new BatchSpanProcessor({ ...options.spans, exporter, selfObsMeterProvider })];
    const provider = new TracerProvider({ resource, sampler: samplerOf(options.sampler), spanProcessors });
    stops.push(() => provider.shutdown());
    tracing = new OtlpTracing(provider.getTracer(scope, version));
  }

  let sentLogger = logger;
  if (logs) {
    const exporter = await logExporter(logs);
    const selfObsMeterProvider = losses.meterProvider("logRecords");
    const processors = [new BatchLogRecordProcessor({ ...options.logs, exporter, selfObsMeterProvider })];
    const provider = new LoggerProvider({ resource, processors });
    stops.push(() => provider.shutdown());
    const current = () => tracing?.current();
    sentLogger = otlpLogger({ inner: logger, clock, current, sinkFor: (target) => provider.getLogger(target, version) });
  }

  const exporter = metrics && (await metricExporter(metrics));
  return {
    tracing,
    logger: sentLogger,
    losses,
    send(families) {
      if (!exporter) return;
      const reader = new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: options.metricIntervalMs,
        exportTimeoutMillis: Math.min(options.metricIntervalMs, 10_000),
        metricProducers: [new RegistryProducer(families, clock)],
      });
      const provider = new MeterProvider({ resource, readers: [reader] });
      stops.push(() => provider.shutdown());
    },
    async stop() {
      const { promise: timeout, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(lastWordsMs, resolve);
      await Promise.race([Promise.allSettled(stops.map((stop) => stop())), timeout]);
      cancel();
    },
  };
}

function samplerOf({ name, ratio }: OtlpOptions["sampler"]): Sampler {
  const kind = name.replace("parentbased_", "");
  const root =
    kind === "always_on"
      ? new AlwaysOnSampler()
      : kind === "always_off"
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return name.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}

/** The SDK's own words: not sent out by OTLP again, and no more than the log can bear while a collector is away. */
function complainInto(logger: Logger, clock: Clock): void {
  let nextMs = Number.NEGATIVE_INFINITY;
  const complain = (...words: unknown[]) => {
    const nowMs = clock.monotonicMs();
    if (nowMs < nextMs) return;
    nextMs = nowMs + complaintEveryMs;
    logger.warn("the OTLP exporter met a problem", { reason: words.map(messageOf).join(" ").slice(0, reasonCharsMax) });
  };
  const quiet = () => {};
  const log = { error: complain, warn: complain, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(log, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** The SDK tells errors as JSON with all that they hold, the collector's answer included. */
function messageOf(word: unknown): string {
  try {
    return String(JSON.parse(String(word)).message ?? word);
  } catch {
    return String(word);
  }
}
