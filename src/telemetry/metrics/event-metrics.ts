import type { TLiteral, TUnion } from "@sinclair/typebox";
import { Counter, Histogram, type Registry } from "prom-client";
import { builtInNames } from "../../events/names.ts";
import { transientCatalog } from "../../events/transient-catalog.ts";
import { aiRevision, ownErrorCodes } from "../../jobs/contract.ts";
import type { LogFields } from "../../logger.ts";
import type { EventMeter } from "../mirror.ts";
import { boundedLabel } from "./bounded-label.ts";

/** Jobs take from a moment to half an hour. */
const jobBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
/** Streams stay open from a second to a day. */
const connectionBuckets = [1, 10, 60, 300, 900, 3600, 14_400, 86_400];

const jobEnds: Record<string, string> = { JobCompleted: "completed", JobFailed: "failed", JobCancelled: "cancelled" };

const needed = new Set([
  "JobStarted",
  "JobRetrying",
  ...Object.keys(jobEnds),
  "ConnectionOpened",
  "ConnectionClosed",
  "StreamGap",
  "StreamClosing",
]);

/** What is counted of events, by what their allow-list tells. */
export class EventMetrics implements EventMeter {
  readonly #jobType: (value: unknown) => string;
  readonly #errorCode = boundedLabel(ownErrorCodes);
  readonly #events;
  readonly #jobsStarted;
  readonly #jobsFinished;
  readonly #jobFailures;
  readonly #jobRetries;
  readonly #jobDuration;
  readonly #opened;
  readonly #closed;
  readonly #connectionDuration;
  readonly #resumes;
  readonly #gaps;
  readonly #closings;

  /** `jobTypes` are those that external workers serve. */
  constructor(registry: Registry, jobTypes: readonly string[]) {
    const registers = [registry];
    this.#jobType = boundedLabel([aiRevision, ...jobTypes]);
    this.#events = new Counter({
      name: "matric_events_total",
      help: "Events by type. Those that users publish count as custom; snapshots and words about one connection are among them.",
      labelNames: ["event"],
      registers,
    });
    this.#jobsStarted = new Counter({
      name: "matric_job_attempts_total",
      help: "Attempts at jobs that a worker began.",
      labelNames: ["job_type"],
      registers,
    });
    this.#jobsFinished = new Counter({
      name: "matric_jobs_finished_total",
      help: "Jobs that came to their end, by how: completed, failed, cancelled.",
      labelNames: ["job_type", "status"],
      registers,
    });
    this.#jobFailures = new Counter({
      name: "matric_job_failures_total",
      help: "Jobs that failed for good, by error code. Codes of external workers count as other; the log tells them.",
      labelNames: ["job_type", "error_code"],
      registers,
    });
    this.#jobRetries = new Counter({
      name: "matric_job_retries_total",
      help: "Attempts that failed and will be made again, by error code.",
      labelNames: ["job_type", "error_code"],
      registers,
    });
    this.#jobDuration = new Histogram({
      name: "matric_job_duration_seconds",
      help: "From the first start of a job to its end, retries and the waits between them included.",
      labelNames: ["job_type", "status"],
      buckets: jobBuckets,
      registers,
    });
    this.#opened = new Counter({
      name: "matric_connections_opened_total",
      help: "Streams that were opened.",
      labelNames: ["transport"],
      registers,
    });
    this.#closed = new Counter({
      name: "matric_connections_closed_total",
      help: "Streams that ended, by why.",
      labelNames: ["transport", "reason"],
      registers,
    });
    this.#connectionDuration = new Histogram({
      name: "matric_connection_duration_seconds",
      help: "How long streams were open.",
      labelNames: ["transport"],
      buckets: connectionBuckets,
      registers,
    });
    this.#resumes = new Counter({
      name: "matric_stream_resumes_total",
      help: "Streams that went on from a cursor which the client brought, with nothing lost.",
      labelNames: ["transport"],
      registers,
    });
    this.#gaps = new Counter({
      name: "matric_stream_gaps_total",
      help: "Streams that were told that events cannot be had any more, by why.",
      labelNames: ["reason"],
      registers,
    });
    this.#closings = new Counter({
      name: "matric_stream_closings_total",
      help: "Streams that the server ended or did not begin, by why.",
      labelNames: ["reason"],
      registers,
    });
    // A rate of nothing is 0, not unknown: what alerts ask for is there from the start.
    for (const event of [...builtInNames, "custom"]) this.#events.inc({ event }, 0);
    const { StreamGap, StreamClosing, ConnectionClosed } = transientCatalog;
    for (const reason of valuesOf(StreamGap.data.properties.reason)) this.#gaps.inc({ reason }, 0);
    for (const reason of valuesOf(StreamClosing.data.properties.reason)) this.#closings.inc({ reason }, 0);
    for (const transport of valuesOf(ConnectionClosed.data.properties.transport)) {
      this.#opened.inc({ transport }, 0);
      this.#resumes.inc({ transport }, 0);
      this.#connectionDuration.zero({ transport });
      for (const reason of valuesOf(ConnectionClosed.data.properties.reason)) this.#closed.inc({ transport, reason }, 0);
    }
    for (const job_type of [aiRevision, ...jobTypes]) {
      this.#jobsStarted.inc({ job_type }, 0);
      for (const status of Object.values(jobEnds)) this.#jobsFinished.inc({ job_type, status }, 0);
      for (const status of ["completed", "failed"]) this.#jobDuration.zero({ job_type, status });
      for (const error_code of [...ownErrorCodes, "other"]) {
        this.#jobFailures.inc({ job_type, error_code }, 0);
        this.#jobRetries.inc({ job_type, error_code }, 0);
      }
    }
  }

  needs(name: string): boolean {
    return needed.has(name);
  }

  count(name: string, events: number): void {
    this.#events.inc({ event: name }, events);
  }

  observe(name: string, fields: LogFields): void {
    if (name.startsWith("Job")) this.#observeJob(name, fields);
    else this.#observeStream(name, fields);
  }

  #observeJob(name: string, fields: LogFields): void {
    const job_type = this.#jobType(fields["event.job_type"]);
    const error_code = this.#errorCode(fields["event.error_code"]);
    if (name === "JobStarted") this.#jobsStarted.inc({ job_type });
    if (name === "JobRetrying") this.#jobRetries.inc({ job_type, error_code });
    if (name === "JobFailed") this.#jobFailures.inc({ job_type, error_code });
    const status = jobEnds[name];
    if (status === undefined) return;
    this.#jobsFinished.inc({ job_type, status });
    const durationMs = fields["event.duration_ms"];
    if (typeof durationMs === "number") this.#jobDuration.observe({ job_type, status }, durationMs / 1000);
  }

  #observeStream(name: string, fields: LogFields): void {
    const transport = String(fields["event.transport"]);
    const reason = String(fields["event.reason"]);
    if (name === "StreamGap") this.#gaps.inc({ reason });
    else if (name === "StreamClosing") this.#closings.inc({ reason });
    else if (name === "ConnectionOpened") {
      this.#opened.inc({ transport });
      if (fields["event.resumed"] === true) this.#resumes.inc({ transport });
    } else {
      this.#closed.inc({ transport, reason });
      this.#connectionDuration.observe({ transport }, Number(fields["event.duration_ms"]) / 1000);
    }
  }
}

/** What a field that is one of several words can be. */
function valuesOf({ anyOf }: TUnion<TLiteral<string>[]>): string[] {
  return anyOf.map(({ const: value }) => value);
}
