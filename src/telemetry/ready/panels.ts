/** What a panel shows, without where it stands. */
export interface Panel {
  title: string;
  description: string;
  kind: "timeseries" | "stat";
  /** Grafana's name of the unit. */
  unit: string;
  queries: { expr: string; legend: string }[];
}

/** The series of the servers that are chosen. */
const own = 'job=~"$job",instance=~"$instance"';
const rate = (metric: string, more = "") => `rate(${metric}{${own}${more}}[$__rate_interval])`;
const sumBy = (label: string, metric: string, more = "") => `sum by (${label}) (${rate(metric, more)})`;
const quantile = (q: number, metric: string, by = "", more = "") =>
  `histogram_quantile(${q}, sum by (le${by === "" ? "" : `, ${by}`}) (${rate(`${metric}_bucket`, more)}))`;
const quantiles = (metric: string, more = "") =>
  [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, metric, "", more), legend: `p${q * 100}` }));
/** Requests that wait on purpose say nothing about how quick the server is. */
export const promptRoutes = 'route!~"/api/v1/(events|ws|jobs/claim|webhooks/:id/test)|/mcp|/api/v1/backup"';

const series = (title: string, unit: string, description: string, queries: Panel["queries"]): Panel => ({
  title,
  description,
  kind: "timeseries",
  unit,
  queries,
});
const stat = (title: string, unit: string, description: string, expr: string): Panel => ({
  title,
  description,
  kind: "stat",
  unit,
  queries: [{ expr, legend: "" }],
});

export const rows: { title: string; panels: Panel[] }[] = [
  {
    title: "At a glance",
    panels: [
      stat("Events per second", "ops", "Committed events and words about streams.", `sum(${rate("matric_events_total")})`),
      stat("Queue depth", "short", "Jobs that wait or run.", `sum(matric_queue_depth{${own}})`),
      stat("Oldest waiting job", "s", "How long it has waited.", `max(matric_queue_oldest_job_age_seconds{${own}})`),
      stat("Open streams", "short", "SSE, WebSocket and NDJSON.", `sum(matric_connections{${own}})`),
      stat("Jobs failed in an hour", "short", "For good.", `sum(increase(matric_job_failures_total{${own}}[1h])) or vector(0)`),
      stat(
        "Webhooks that failed",
        "short",
        "Their receivers did not take an event.",
        `sum(matric_webhooks{${own},status="failed"})`,
      ),
    ],
  },
  {
    title: "Jobs",
    panels: [
      series("Job throughput", "ops", "Jobs that came to their end, by how.", [
        { expr: sumBy("status", "matric_jobs_finished_total"), legend: "{{status}}" },
      ]),
      series("Queue depth", "short", "Jobs that wait (pending) and that a worker holds (running).", [
        { expr: `sum by (state) (matric_queue_depth{${own}})`, legend: "{{state}}" },
      ]),
      series(
        "Job duration",
        "s",
        "From the first start to the end.",
        quantiles("matric_job_duration_seconds", ',status="completed"'),
      ),
      series("Failures and retries by error code", "ops", "What external workers say counts as other; the log tells it.", [
        { expr: sumBy("error_code", "matric_job_failures_total"), legend: "failed: {{error_code}}" },
        { expr: sumBy("error_code", "matric_job_retries_total"), legend: "retried: {{error_code}}" },
      ]),
    ],
  },
  {
    title: "Streams",
    panels: [
      series("Open streams", "short", "By transport.", [
        { expr: `sum by (transport) (matric_connections{${own}})`, legend: "{{transport}}" },
      ]),
      series("Opened and closed", "ops", "Why streams ended.", [
        { expr: sumBy("transport", "matric_connections_opened_total"), legend: "opened: {{transport}}" },
        { expr: sumBy("reason", "matric_connections_closed_total"), legend: "closed: {{reason}}" },
      ]),
      series("Resumes and gaps", "ops", "Streams that went on where they were, and those that lost events.", [
        { expr: `sum(${rate("matric_stream_resumes_total")})`, legend: "resumed" },
        { expr: sumBy("reason", "matric_stream_gaps_total"), legend: "gap: {{reason}}" },
      ]),
      series("Lag of the slowest stream", "short", "Events it has not been handed yet.", [
        { expr: `max by (transport) (matric_subscriber_lag_events{${own}})`, legend: "{{transport}}" },
      ]),
    ],
  },
  {
    title: "Webhooks",
    panels: [
      series("Attempts", "ops", "Requests made, by what came of them.", [
        { expr: `${sumBy("error_code", "matric_webhook_attempts_total")} > 0`, legend: "{{error_code}}" },
      ]),
      series("From the event to the receiver", "s", "Retries included.", quantiles("matric_webhook_lateness_seconds")),
      series(
        "Duration of attempts",
        "s",
        "How long receivers take to answer.",
        quantiles("matric_webhook_attempt_duration_seconds"),
      ),
      series("Owed", "short", "Deliveries under way, waiting or held, and events not looked at yet.", [
        { expr: `sum(matric_webhook_deliveries_pending{${own}})`, legend: "deliveries" },
        { expr: `max(matric_webhook_lag_events{${own}})`, legend: "events behind" },
      ]),
    ],
  },
  {
    title: "Requests and storage",
    panels: [
      series("Requests", "reqps", "By status.", [
        { expr: sumBy("status", "matric_http_request_duration_seconds_count"), legend: "{{status}}" },
      ]),
      series("p99 of requests by route", "s", "Those that wait on purpose are left out.", [
        { expr: quantile(0.99, "matric_http_request_duration_seconds", "route", `,${promptRoutes}`), legend: "{{route}}" },
      ]),
      series("Time to commit", "s", "Until a change is durable.", quantiles("matric_commit_duration_seconds")),
      series("Events by type", "ops", "Those of users are custom.", [
        { expr: `${sumBy("event", "matric_events_total")} > 0`, legend: "{{event}}" },
      ]),
      series("Events in the log", "short", "As retention keeps them.", [
        { expr: `max(matric_log_events{${own}})`, legend: "events" },
      ]),
      series("Size on the disk", "bytes", "The database and its write-ahead log.", [
        { expr: `sum by (file) (matric_storage_bytes{${own}})`, legend: "{{file}}" },
      ]),
    ],
  },
  {
    title: "Process",
    panels: [
      series("CPU", "percentunit", "Of one core.", [{ expr: rate("process_cpu_seconds_total"), legend: "{{instance}}" }]),
      series("Memory", "bytes", "Resident.", [{ expr: `process_resident_memory_bytes{${own}}`, legend: "{{instance}}" }]),
      series("Event loop lag", "s", "How late timers run.", quantiles("matric_event_loop_lag_seconds")),
      series("Open files", "short", "Sockets among them, and how many may be.", [
        { expr: `process_open_fds{${own}}`, legend: "open: {{instance}}" },
        { expr: `process_max_fds{${own}}`, legend: "most: {{instance}}" },
      ]),
      series("Refused by a limit", "ops", "By the limit that was reached.", [
        { expr: `${sumBy("limit", "matric_limit_refusals_total")} > 0`, legend: "{{limit}}" },
      ]),
      series("Telemetry lost", "ops", "Dropped because it was too much, or malformed.", [
        { expr: sumBy("what", "matric_telemetry_dropped_total"), legend: "dropped: {{what}}" },
        { expr: `sum(${rate("matric_telemetry_malformed_total")})`, legend: "malformed" },
      ]),
    ],
  },
];
