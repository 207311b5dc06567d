import type { Registry } from "prom-client";

export type Labels = Readonly<Record<string, string | number>>;

/** One line. */
export interface Sample {
  /** `_bucket`, `_sum` and `_count` are samples of one histogram. */
  metricName: string;
  labels: Labels;
  value: number;
}

/** One metric, with all its series. */
export interface Family {
  name: string;
  help: string;
  type: "counter" | "gauge" | "histogram";
  samples: readonly Sample[];
}

export type Format = "text" | "openmetrics";

const contentTypes: Record<Format, string> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The metrics as Prometheus scrapes them. (`Registry.metrics` renames the counters for good when asked for OpenMetrics once.) */
export function expose(families: readonly Family[], format: Format): { contentType: string; body: string } {
  const body = families.map((family) => exposeFamily(family, format)).join("");
  return { contentType: contentTypes[format], body: format === "openmetrics" ? `${body}# EOF\n` : body };
}

/** What is registered, as it is now. */
export async function familiesOf(registry: Registry): Promise<Family[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map(({ name, help, type, values }) => ({
    name,
    help,
    type: typeOf(String(type)),
    samples: values.map((sample) => ({
      metricName: "metricName" in sample && typeof sample.metricName === "string" ? sample.metricName : name,
      labels: Object.fromEntries(Object.entries(sample.labels).map(([label, text]) => [label, text ?? ""])),
      value: sample.value,
    })),
  }));
}

/** prom-client's own type for it is another than what it gives. */
function typeOf(type: string): Family["type"] {
  return type === "counter" || type === "histogram" ? type : "gauge";
}

function exposeFamily({ name, help, type, samples }: Family, format: Format): string {
  // OpenMetrics names the family of a counter without the suffix of its sample.
  const family = format === "openmetrics" ? name.replace(/_total$/, "") : name;
  let text = `# HELP ${family} ${format === "openmetrics" ? quoted(help) : escaped(help)}\n# TYPE ${family} ${type}\n`;
  for (const { labels, value, metricName } of samples) {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${quoted(String(text))}"`);
    text += `${metricName}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${number(value)}\n`;
  }
  return text;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function quoted(text: string): string {
  return escaped(text).replaceAll('"', '\\"');
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}
