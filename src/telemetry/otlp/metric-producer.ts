import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { Clock } from "../../clock.ts";
import type { Family, Sample } from "../metrics/exposition.ts";

const units: [suffix: string, unit: string][] = [
  ["_seconds", "s"],
  ["_bytes", "By"],
  ["_events", "{event}"],
];

/** The metrics that `/metrics` shows, as the SDK sends them: one source for both. */
export class RegistryProducer implements MetricProducer {
  readonly #startTime: HrTime;

  constructor(
    private readonly families: () => Promise<readonly Family[]>,
    private readonly clock: Clock,
  ) {
    this.#startTime = hrTime(clock.now());
  }

  async collect(): Promise<CollectionResult> {
    const endTime = hrTime(this.clock.now());
    const told = (await this.families()).filter(({ samples }) => samples.length > 0);
    const metrics = told.map((family) => this.#metric(family, endTime));
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: { name: "matric" }, metrics }] }, errors: [] };
  }

  #metric(family: Family, endTime: HrTime): MetricData {
    // Whoever turns it into Prometheus's names again adds the suffix.
    const name = family.name.replace(/_total$/, "");
    const unit = units.find(([suffix]) => name.endsWith(suffix))?.[1] ?? "";
    const base = {
      descriptor: { name, description: family.help, unit, valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    };
    const point = <T>(attributes: Attributes, value: T): DataPoint<T> => ({
      startTime: this.#startTime,
      endTime,
      attributes,
      value,
    });
    if (family.type === "histogram") {
      const dataPoints = histograms(family.samples).map(({ attributes, value }) => point(attributes, value));
      return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    const dataPoints = family.samples.map(({ labels, value }) => point({ ...labels }, value));
    return family.type === "counter"
      ? { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  }
}

/** Prometheus's buckets count everything up to their bound; those of OTLP what lies between two bounds. */
function histograms(samples: readonly Sample[]): { attributes: Attributes; value: Histogram }[] {
  const byLabels = Map.groupBy(samples, ({ labels: { le: _le, ...labels } }) => JSON.stringify(labels));
  return [...byLabels].map(([text, those]) => {
    const of = (suffix: string) => those.filter(({ metricName }) => metricName.endsWith(suffix));
    const upTo = of("_bucket").map(({ labels, value }) => ({ bound: Number(labels.le), value }));
    const finite = upTo.filter(({ bound }) => Number.isFinite(bound));
    const count = of("_count")[0]?.value ?? 0;
    const counts = [...finite.map(({ value }) => value), count].map((value, at, all) => value - (all[at - 1] ?? 0));
    const buckets = { boundaries: finite.map(({ bound }) => bound), counts };
    return { attributes: JSON.parse(text), value: { buckets, sum: of("_sum")[0]?.value ?? 0, count } };
  });
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
