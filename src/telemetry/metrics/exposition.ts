import type { Registry } from "prom-client";

/** One family of metrics as `Registry.getMetricsAsJSON` gives it. */
export type Family = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>[number];

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

/** One line. */
export interface Sample {
  /** `_bucket`, `_sum` and `_count` are samples of one histogram. */
  metricName: string;
  labels: Readonly<Record<string, string | number>>;
  value: number;
}

export function samplesOf({ name, values }: Family): Sample[] {
  return values.map((sample) => ({
    metricName: "metricName" in sample && typeof sample.metricName === "string" ? sample.metricName : name,
    labels: Object.fromEntries(Object.entries(sample.labels).map(([label, text]) => [label, text ?? ""])),
    value: sample.value,
  }));
}

function exposeFamily(metric: Family, format: Format): string {
  const { name, help, type } = metric;
  // OpenMetrics names the family of a counter without the suffix of its sample.
  const family = format === "openmetrics" ? name.replace(/_total$/, "") : name;
  let text = `# HELP ${family} ${format === "openmetrics" ? quoted(help) : escaped(help)}\n# TYPE ${family} ${type}\n`;
  for (const { labels, value, metricName } of samplesOf(metric)) {
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
