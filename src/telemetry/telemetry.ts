import { Registry } from "prom-client";
import { type Cancel, type Clock, every } from "../clock.ts";
import type { Db } from "../db/open.ts";
import type { Writer } from "../db/writer.ts";
import type { TraceEvent } from "../events/sqlite-log.ts";
import type { InternalJobType } from "../jobs/handler.ts";
import type { Logger } from "../logger.ts";
import type { WatchAttempt } from "../webhooks/sending.ts";
import { attemptWatch } from "./attempt-watch.ts";
import { eventSpans } from "./event-spans.ts";
import { withJobSpans } from "./job-spans.ts";
import { EventMetrics } from "./metrics/event-metrics.ts";
import { expose, type Family, type Format, familiesOf } from "./metrics/exposition.ts";
import { ProcessMetrics } from "./metrics/process-metrics.ts";
import { registerState, type StateSources } from "./metrics/state-metrics.ts";
import { registerTelemetryItself } from "./metrics/telemetry-metrics.ts";
import { WorkMetrics } from "./metrics/work-metrics.ts";
import { Mirror } from "./mirror.ts";
import { ObservedWriter } from "./observed-writer.ts";
import type { OtlpOptions } from "./otlp/options.ts";
import type { Otlp } from "./otlp/otlp.ts";
import { RequestWatch } from "./request-watch.ts";

export interface TelemetryOptions {
  clock: Clock;
  logger: Logger;
  version: string;
  /** Those that external workers serve. */
  jobTypes: readonly string[];
  /** Lines that the log itself had to drop. */
  linesDropped: () => number;
  /** Undefined when nothing is to be sent out. */
  otlp: OtlpOptions | undefined;
}

/** A line follows its event by at most this, when the server has time. */
const tickMs = 250;
/** The queue is told of this often even when nothing changes: who asks for its last depth looks back a few minutes at most. */
const queueStatusMs = 60_000;

/** Everything that the operators see of a running server, and the hooks by which it is seen. */
export class Telemetry {
  /** The server's log; it is sent out too, where that is wanted. */
  readonly logger: Logger;
  readonly mirror: Mirror;
  readonly requests: RequestWatch;
  readonly watchAttempt: WatchAttempt;
  readonly traceEvent: TraceEvent | undefined;
  readonly #registry = new Registry();
  readonly #work = new WorkMetrics(this.#registry);
  readonly #process;
  readonly #clock;
  readonly #tracing;
  readonly #otlp;
  #cancelTick: Cancel = () => {};
  #cancelQueueStatus: Cancel = () => {};

  /** What is sent out is loaded only if that is wanted. */
  static async create(options: TelemetryOptions): Promise<Telemetry> {
    if (!options.otlp) return new Telemetry(options, undefined);
    const { startOtlp } = await import("./otlp/otlp.ts");
    return new Telemetry(options, await startOtlp({ ...options, options: options.otlp }));
  }

  private constructor(options: TelemetryOptions, otlp: Otlp | undefined) {
    const { clock, version, jobTypes, linesDropped } = options;
    const { logger, tracing } = otlp ?? { logger: options.logger, tracing: undefined };
    this.logger = logger;
    this.#clock = clock;
    this.#otlp = otlp;
    this.#tracing = tracing;
    const meter = new EventMetrics(this.#registry, jobTypes);
    this.mirror = new Mirror({ clock, logger: logger.as("matric::events"), meter });
    this.requests = new RequestWatch(this.#work, clock, tracing);
    this.watchAttempt = attemptWatch(this.#work, clock, tracing);
    this.traceEvent = tracing && eventSpans(tracing);
    this.#process = new ProcessMetrics(this.#registry, clock, version);
    registerTelemetryItself(this.#registry, this.mirror, linesDropped, otlp?.losses);
  }

  writer(db: Pick<Db, "sqlite" | "diskSync">, logger: Logger): Writer {
    const leisure = () => this.mirror.ease();
    return new ObservedWriter(db, logger, { metrics: this.#work, tracing: this.#tracing, leisure });
  }

  jobType(type: InternalJobType): InternalJobType {
    return this.#tracing ? withJobSpans(type, this.#tracing) : type;
  }

  /** From now on it is told how things stand, too. */
  start(sources: StateSources): void {
    registerState(this.#registry, sources);
    this.#tick();
    const tell = () => this.mirror.takeTransient("QueueStatus", sources.queue());
    tell();
    this.#cancelQueueStatus = every(this.#clock, queueStatusMs, tell);
    this.#otlp?.send(this.families);
  }

  /** Tells and sends what is left. The sources of `start` are asked for the last time. */
  async stop(): Promise<void> {
    this.#cancelQueueStatus();
    this.#cancelTick();
    this.mirror.flush();
    await this.#otlp?.stop();
  }

  #tick(): void {
    const dueMs = this.#clock.monotonicMs() + tickMs;
    this.#cancelTick = this.#clock.after(tickMs, () => {
      this.#process.timer(dueMs);
      this.mirror.tick();
      this.#tick();
    });
  }

  /** All metrics as they are now. */
  readonly families = async (): Promise<readonly Family[]> => {
    // What came before somebody asks is counted.
    this.mirror.flush();
    return [...(await familiesOf(this.#registry)), ...this.#work.families()];
  };

  /** For whoever scrapes. */
  async metrics(format: Format): Promise<{ contentType: string; body: string }> {
    return expose(await this.families(), format);
  }
}
