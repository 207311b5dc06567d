import { promptRoutes } from "./panels.ts";

interface Alert {
  name: string;
  expr: string;
  /** How long it must be so. */
  lasting: string;
  severity: "critical" | "warning" | "info";
  summary: string;
  /** What it means, and what to do. */
  description: string;
}

const perInstance = (metric: string, window: string, more = "") => `sum by (job, instance) (rate(${metric}${more}[${window}]))`;
const p99 = (metric: string, more = "") =>
  `histogram_quantile(0.99, sum by (job, instance, le) (rate(${metric}_bucket${more}[5m])))`;

const alerts: Alert[] = [
  {
    name: "MatricDown",
    expr: 'up{job="matric"} == 0',
    lasting: "1m",
    severity: "critical",
    summary: "matric on {{ $labels.instance }} cannot be scraped",
    description: "It is down, or /metrics is not reachable for Prometheus. See the last lines of its log.",
  },
  {
    name: "MatricQueueStalled",
    expr: "matric_queue_oldest_job_age_seconds > 600 and on (job, instance) matric_queue_paused == 0",
    lasting: "5m",
    severity: "critical",
    summary: "A job has waited for {{ $value | humanizeDuration }}",
    description: "No worker takes it: are the external workers of its type running? `matric jobs list --status queued` shows it.",
  },
  {
    name: "MatricQueuePaused",
    expr: "matric_queue_paused == 1",
    lasting: "30m",
    severity: "info",
    summary: "The queue has been paused for half an hour",
    description: "`matric queue resume` lets workers take jobs again.",
  },
  {
    name: "MatricJobsFailing",
    expr: `${perInstance("matric_job_failures_total", "15m")} / ${perInstance("matric_jobs_finished_total", "15m")} > 0.1`,
    lasting: "10m",
    severity: "warning",
    summary: "{{ $value | humanizePercentage }} of the jobs fail",
    description: "The panel of failures by error code, and the lines with event.type JobFailed, tell why.",
  },
  {
    name: "MatricStreamGaps",
    expr: 'sum by (job, instance) (increase(matric_stream_gaps_total{reason="expired"}[15m])) > 0',
    lasting: "0m",
    severity: "warning",
    summary: "Subscribers came back too late and lost events",
    description:
      "The log does not keep events for as long as they stay away: raise MATRIC_RETENTION_DAYS or MATRIC_RETENTION_EVENTS.",
  },
  {
    name: "MatricSlowSubscribers",
    expr: 'sum by (job, instance) (increase(matric_connections_closed_total{reason="slow"}[15m])) > 5',
    lasting: "0m",
    severity: "warning",
    summary: "{{ $value | humanize }} streams were closed because their clients took nothing",
    description:
      "They resume without loss, but something between is stuck: a proxy that buffers, or a client that does not read.",
  },
  {
    name: "MatricSubscriberLag",
    expr: "max by (job, instance) (matric_subscriber_lag_events) > 10000",
    lasting: "5m",
    severity: "warning",
    summary: "A stream is {{ $value | humanize }} events behind",
    description: "GET /api/v1/connections shows which one. It reads slower than events come.",
  },
  {
    name: "MatricWebhookFailed",
    expr: 'matric_webhooks{status="failed"} > 0',
    lasting: "1m",
    severity: "warning",
    summary: "{{ $value }} webhooks do not take events",
    description:
      "Their events are held. `matric webhooks list` shows them, `matric webhooks deliveries` what the receivers answered.",
  },
  {
    name: "MatricWebhooksLate",
    expr: "histogram_quantile(0.95, sum by (job, instance, le) (rate(matric_webhook_lateness_seconds_bucket[10m]))) > 5",
    lasting: "10m",
    severity: "warning",
    summary: "Webhooks get events {{ $value | humanizeDuration }} late",
    description: "Receivers are slow or fail at first: see the duration of attempts and their error codes.",
  },
  {
    name: "MatricErrors",
    expr: `${perInstance("matric_http_request_duration_seconds_count", "5m", '{status=~"5.."}')} / ${perInstance("matric_http_request_duration_seconds_count", "5m")} > 0.01`,
    lasting: "5m",
    severity: "critical",
    summary: "{{ $value | humanizePercentage }} of the requests end with a 5xx",
    description: "The server's log tells why; the limits that were reached are in matric_limit_refusals_total.",
  },
  {
    name: "MatricSlowRequests",
    expr: `${p99("matric_http_request_duration_seconds", `{${promptRoutes}}`)} > 0.5`,
    lasting: "10m",
    severity: "warning",
    summary: "One request in a hundred takes longer than {{ $value | humanizeDuration }}",
    description: "See the time to commit, the event loop lag and the CPU beside it.",
  },
  {
    name: "MatricSlowCommits",
    expr: `${p99("matric_commit_duration_seconds")} > 0.25`,
    lasting: "10m",
    severity: "warning",
    summary: "One change in a hundred takes longer than {{ $value | humanizeDuration }} to become durable",
    description: "The disk is slow to sync: `matric doctor` measures it. A faster disk helps, or MATRIC_DURABILITY=normal.",
  },
  {
    name: "MatricCommitsRefused",
    expr: 'sum by (job, instance) (increase(matric_commit_duration_seconds_count{result="refused"}[5m])) > 0',
    lasting: "0m",
    severity: "critical",
    summary: "Changes cannot be stored",
    description: "The disk is full or fails; the log says which. Nothing that was refused was acknowledged.",
  },
  {
    name: "MatricEventLoopLag",
    expr: `${p99("matric_event_loop_lag_seconds")} > 0.25`,
    lasting: "5m",
    severity: "warning",
    summary: "The server is busy for {{ $value | humanizeDuration }} at a time",
    description: "It is short of CPU, or does something large at once.",
  },
  {
    name: "MatricFilesRunningOut",
    expr: 'process_open_fds{job="matric"} / process_max_fds > 0.8',
    lasting: "5m",
    severity: "warning",
    summary: "{{ $value | humanizePercentage }} of the files that may be open are",
    description: "Each stream is one: raise the limit (ulimit -n, LimitNOFILE=) or lower MATRIC_CONNECTIONS_MAX.",
  },
  {
    name: "MatricTelemetryLost",
    expr: "sum by (job, instance, what) (increase(matric_telemetry_dropped_total[10m])) > 0",
    lasting: "0m",
    severity: "warning",
    summary: "Telemetry was lost: {{ $value | humanize }} times a {{ $labels.what }}",
    description:
      "line: whoever reads the server's stdout reads too slowly. span, log_record: the OTLP collector does not take them; the log says why. event: the server had no time to tell.",
  },
];

/** Prometheus's rule file. */
export function alertRules(): string {
  const rules = alerts.map(
    ({ name, expr, lasting, severity, summary, description }) => `      - alert: ${name}
        expr: ${JSON.stringify(expr)}
        for: ${lasting}
        labels:
          severity: ${severity}
        annotations:
          summary: ${JSON.stringify(summary)}
          description: ${JSON.stringify(description)}
`,
  );
  return `# For Prometheus's rule_files; it is taken for granted that the scrape job is called matric.
groups:
  - name: matric
    rules:
${rules.join("")}`;
}
