import { MatricError } from "../../errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

const protocols = ["http/protobuf", "http/json"] as const;
export type Protocol = (typeof protocols)[number];

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
export type SamplerName = (typeof samplers)[number];

export type Signal = "traces" | "metrics" | "logs";

/** What the standard `OTEL_*` variables ask for; those that the exporters read themselves are not repeated here. */
export interface OtlpOptions {
  protocols: Readonly<Partial<Record<Signal, Protocol>>>;
  sampler: { name: SamplerName; ratio: number };
  metricIntervalMs: number;
  spans: Batch;
  logs: Batch;
}

interface Batch {
  scheduledDelayMillis: number;
  maxQueueSize: number;
  maxExportBatchSize: number;
  exportTimeoutMillis: number;
}

/** A metric is to be out within 10 s, a slow collector included. */
const metricIntervalMsDefault = 5000;

/** Undefined when nothing is to be sent anywhere. Throws `invalid` that names the variable. */
export function otlpOptions(env: Env): OtlpOptions | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  const chosen = (["traces", "metrics", "logs"] as const).flatMap((signal) => {
    const name = signal.toUpperCase();
    const endpoint = env[`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`] || env.OTEL_EXPORTER_OTLP_ENDPOINT;
    const exporter = oneOf(env, `OTEL_${name}_EXPORTER`, ["otlp", "none"], "otlp");
    if (!endpoint || exporter === "none") return [];
    mustBeUrl(`OTEL_EXPORTER_OTLP_${env[`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`] ? `${name}_` : ""}ENDPOINT`, endpoint);
    const common = oneOf(env, "OTEL_EXPORTER_OTLP_PROTOCOL", protocols, "http/protobuf");
    return [[signal, oneOf(env, `OTEL_EXPORTER_OTLP_${name}_PROTOCOL`, protocols, common)]];
  });
  if (chosen.length === 0) return undefined;
  for (const which of ["", "TRACES_", "METRICS_", "LOGS_"]) {
    // The exporters read them, and would go on without what they do not understand.
    oneOf(env, `OTEL_EXPORTER_OTLP_${which}COMPRESSION`, ["none", "gzip"], "none");
    number(env, `OTEL_EXPORTER_OTLP_${which}TIMEOUT`, 10_000, { least: 1 });
  }
  return {
    protocols: Object.fromEntries(chosen),
    sampler: {
      name: oneOf(env, "OTEL_TRACES_SAMPLER", samplers, "parentbased_always_on"),
      ratio: number(env, "OTEL_TRACES_SAMPLER_ARG", 1, { least: 0, most: 1 }),
    },
    metricIntervalMs: number(env, "OTEL_METRIC_EXPORT_INTERVAL", metricIntervalMsDefault, { least: 100 }),
    spans: batch(env, "OTEL_BSP", 1000),
    logs: batch(env, "OTEL_BLRP", 1000),
  };
}

function batch(env: Env, prefix: string, delayMs: number): Batch {
  const maxQueueSize = number(env, `${prefix}_MAX_QUEUE_SIZE`, 8192, { least: 1 });
  return {
    maxQueueSize,
    scheduledDelayMillis: number(env, `${prefix}_SCHEDULE_DELAY`, delayMs, { least: 1 }),
    maxExportBatchSize: Math.min(maxQueueSize, number(env, `${prefix}_MAX_EXPORT_BATCH_SIZE`, 512, { least: 1 })),
    exportTimeoutMillis: number(env, `${prefix}_EXPORT_TIMEOUT`, 10_000, { least: 1 }),
  };
}

function oneOf<const Value extends string>(env: Env, name: string, allowed: readonly Value[], by: Value): Value {
  const text = env[name]?.trim();
  if (!text) return by;
  const found = allowed.find((one) => one === text);
  if (!found) throw wrong(name, `must be one of ${allowed.join(", ")}, not "${text}"`);
  return found;
}

function number(env: Env, name: string, by: number, { least, most = 1e9 }: { least: number; most?: number }): number {
  const text = env[name]?.trim();
  if (!text) return by;
  const value = Number(text);
  if (!(value >= least && value <= most)) throw wrong(name, `must be a number from ${least} to ${most}, not "${text}"`);
  return value;
}

function mustBeUrl(name: string, text: string): void {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) throw wrong(name, `must be an http or https URL, not "${text}"`);
}

function wrong(name: string, problem: string): MatricError {
  return new MatricError("invalid", `${name} ${problem}.`, { field: name });
}
