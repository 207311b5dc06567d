import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertRules } from "../../src/telemetry/ready/alerts.ts";
import { hasPrometheus, promtool } from "../support/prometheus.ts";

type Series = Record<string, string>;

/** A histogram in which everything falls between two bounds. */
const between = (name: string, low: number, high: number, labels = ""): Series => ({
  [`${name}_bucket{${labels}le="${low}"}`]: "0x120",
  [`${name}_bucket{${labels}le="${high}"}`]: "0+10x120",
  [`${name}_bucket{${labels}le="+Inf"}`]: "0+10x120",
});

/** What makes each alert fire within an hour, minute by minute; what happens once happens shortly before its end. */
const troubles: Record<string, Series> = {
  MatricDown: { up: "0x120" },
  MatricQueueStalled: { matric_queue_oldest_job_age_seconds: "700x120", matric_queue_paused: "0x120" },
  MatricQueuePaused: { matric_queue_paused: "1x120" },
  MatricJobsFailing: {
    'matric_job_failures_total{error_code="other"}': "0+1x120",
    'matric_jobs_finished_total{status="failed"}': "0+1x120",
    'matric_jobs_finished_total{status="completed"}': "0+5x120",
  },
  MatricStreamGaps: { 'matric_stream_gaps_total{reason="expired"}': "0x55 1x65" },
  MatricSlowSubscribers: { 'matric_connections_closed_total{reason="slow"}': "0x55 10x65" },
  MatricSubscriberLag: { 'matric_subscriber_lag_events{transport="ws"}': "20000x120" },
  MatricWebhookFailed: { 'matric_webhooks{status="failed"}': "1x120" },
  MatricWebhooksLate: between("matric_webhook_lateness_seconds", 5, 30),
  MatricErrors: {
    'matric_http_request_duration_seconds_count{status="500"}': "0+1x120",
    'matric_http_request_duration_seconds_count{status="200"}': "0+50x120",
  },
  MatricSlowRequests: between("matric_http_request_duration_seconds", 0.5, 1, 'route="/api/v1/notes",'),
  MatricSlowCommits: between("matric_commit_duration_seconds", 0.25, 0.5),
  MatricCommitsRefused: { 'matric_commit_duration_seconds_count{result="refused"}': "0x57 1x63" },
  MatricEventLoopLag: between("matric_event_loop_lag_seconds", 0.25, 0.5),
  MatricFilesRunningOut: { process_open_fds: "90x120", process_max_fds: "100x120" },
  MatricTelemetryLost: { 'matric_telemetry_dropped_total{what="line"}': "0x55 1x65" },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "matric-alerts-"));
  writeFileSync(join(folder, "alerts.yml"), alertRules());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Fails unless exactly these alerts fire after an hour of these series. */
async function firing(series: Series, alerts: string[]): Promise<{ code: number; output: string }> {
  const own = (name: string) => `${name.replace(/}$/, ",").replace(/^[^{]+$/, "$&{")}job="matric",instance="m"}`;
  const asked = {
    rule_files: [join(folder, "alerts.yml")],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: Object.entries(series).map(([name, values]) => ({ series: own(name), values })),
        promql_expr_test: [
          {
            expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
            eval_time: "1h",
            exp_samples: alerts.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
          },
        ],
      },
    ],
  };
  const file = join(folder, "test.yml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(asked));
  return promtool(["test", "rules", file], "");
}

describe.skipIf(!hasPrometheus)("an alert", () => {
  test.each(Object.entries(troubles))("%s fires at what it is for, and no other does", async (alert, series) => {
    expect(await firing(series, [alert])).toMatchObject({ code: 0 });
  });

  test("of every kind is here", () => {
    const names = [...alertRules().matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? "");
    expect(Object.keys(troubles).sort()).toEqual(names.sort());
  });

  test("does not fire where nothing is wrong", async () => {
    const well = Object.fromEntries(
      Object.values(troubles).flatMap((series) => Object.keys(series).map((name) => [name, "1x120"])),
    );
    const fine = {
      ...well,
      matric_queue_paused: "0x120",
      'matric_webhooks{status="failed"}': "0x120",
      process_max_fds: "100x120",
    };
    expect(await firing({ ...fine, up: "1x120" }, [])).toMatchObject({ code: 0 });
  });
});
