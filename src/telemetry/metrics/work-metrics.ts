import { Counter, Histogram, type Registry } from "prom-client";
import type { AttemptErrorCode } from "../../webhooks/sending.ts";
import { boundedLabel } from "./bounded-label.ts";
import { DurationHistogram, type DurationSeries } from "./duration-histogram.ts";
import type { Family } from "./exposition.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const attemptErrorCodes: Record<AttemptErrorCode, true> = {
  http_error: true,
  redirect: true,
  gone: true,
  timed_out: true,
  dns_failed: true,
  forbidden_address: true,
  connection_refused: true,
  connection_failed: true,
  connection_reset: true,
  tls_failed: true,
  bad_answer: true,
};

/** What is known of an attempt when it has ended. */
export interface EndedAttempt {
  errorCode: string | null;
  durationMs: number;
  /** From the event to the beginning and to the end of this attempt. */
  beganAfterMs: number;
  endedAfterMs: number;
  isFirst: boolean;
}

/** How long the work of the server takes: requests, transactions, attempts of webhooks. */
export class WorkMetrics {
  readonly #method = boundedLabel(methods);
  readonly #errorCode = boundedLabel(Object.keys(attemptErrorCodes));
  readonly #requests = new DurationHistogram({
    name: "matric_http_request_duration_seconds",
    help: "From a request to the beginning of its answer. Long polls and claims include their wait; a stream counts until it begins.",
    bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  readonly #requestSeries = new Map<string, { method: string; status: number; durations: DurationSeries }[]>();
  readonly #commits = new DurationHistogram({
    name: "matric_commit_duration_seconds",
    help: "From a change to the moment when it is durable, or refused: the wait for its group and the disk's sync included.",
    bounds: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  });
  readonly #stored = this.#commits.series({ result: "stored" });
  readonly #refused = this.#commits.series({ result: "refused" });
  readonly #attempts;
  readonly #attemptDuration;
  readonly #firstAttemptDelay;
  readonly #lateness;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: "matric_webhook_attempts_total",
      help: "Requests made to webhooks; error_code is none for those that were taken.",
      labelNames: ["error_code"],
      registers,
    });
    this.#attemptDuration = new Histogram({
      name: "matric_webhook_attempt_duration_seconds",
      help: "How long a request to a webhook took, its answer included.",
      labelNames: ["result"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.#firstAttemptDelay = new Histogram({
      name: "matric_webhook_first_attempt_delay_seconds",
      help: "From an event to the beginning of the first request that brings it.",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600],
      registers,
    });
    this.#lateness = new Histogram({
      name: "matric_webhook_lateness_seconds",
      help: "From an event to the moment when the receiver has taken it, retries included.",
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 120, 600, 3600],
      registers,
    });
    for (const result of ["taken", "failed"]) this.#attemptDuration.zero({ result });
    for (const error_code of ["none", ...Object.keys(attemptErrorCodes)]) this.#attempts.inc({ error_code }, 0);
  }

  /** `route` is the path's pattern. */
  request(method: string, route: string, status: number, durationMs: number): void {
    this.#seriesOf(this.#method(method), route, status).add(durationMs / 1000);
  }

  #seriesOf(method: string, route: string, status: number): DurationSeries {
    const ofRoute = this.#requestSeries.get(route);
    // A key made of the three would be made for every request.
    for (const one of ofRoute ?? []) if (one.method === method && one.status === status) return one.durations;
    const durations = this.#requests.series({ method, route, status });
    this.#requestSeries.set(route, [...(ofRoute ?? []), { method, status, durations }]);
    return durations;
  }

  commit(isStored: boolean, durationMs: number): void {
    (isStored ? this.#stored : this.#refused).add(durationMs / 1000);
  }

  attempt({ errorCode, durationMs, beganAfterMs, endedAfterMs, isFirst }: EndedAttempt): void {
    this.#attempts.inc({ error_code: errorCode === null ? "none" : this.#errorCode(errorCode) });
    this.#attemptDuration.observe({ result: errorCode === null ? "taken" : "failed" }, durationMs / 1000);
    if (isFirst) this.#firstAttemptDelay.observe(Math.max(0, beganAfterMs) / 1000);
    if (errorCode === null) this.#lateness.observe(Math.max(0, endedAfterMs) / 1000);
  }

  /** What is not in the registry. */
  families(): Family[] {
    return [this.#requests.family(), this.#commits.family()];
  }
}
