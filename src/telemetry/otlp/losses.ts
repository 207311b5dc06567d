import { createNoopMeter, type MeterProvider } from "@opentelemetry/api";

/** What could not be sent out: its queue was full, or the collector did not take it within its time. */
export class Losses {
  spans = 0;
  logRecords = 0;

  /** For the SDK, which tells by metrics of its own what became of each thing that it was given. */
  meterProvider(what: "spans" | "logRecords"): MeterProvider {
    const meter = createNoopMeter();
    meter.createCounter = () => ({
      add: (count, attributes) => {
        if (attributes?.["error.type"] !== undefined) this[what] += count;
      },
    });
    return { getMeter: () => meter };
  }
}
