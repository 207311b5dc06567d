import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { alertRules } from "../../src/telemetry/ready/alerts.ts";
import { dashboard } from "../../src/telemetry/ready/dashboard.ts";
import { rows } from "../../src/telemetry/ready/panels.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { eventually } from "../support/eventually.ts";
import { hasPrometheus, Prometheus, promtool } from "../support/prometheus.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

/** As Grafana fills in its variables. */
const filledIn = (expr: string) =>
  expr.replaceAll("$__rate_interval", "1m").replaceAll("$job", ".*").replaceAll("$instance", ".*");
const queries = rows.flatMap(({ panels }) =>
  panels.flatMap(({ title, queries: own }) => own.map(({ expr }) => [title, filledIn(expr)] as const)),
);

/** Of what happened in this test nothing is to be seen here. */
const mayBeEmpty = /error_code|_closed_|_lateness_|_attempt_duration_|_limit_refusals_|job_duration/;

describe.skipIf(!hasPrometheus)("a real Prometheus", () => {
  let app: TestApp;
  let prometheus: Prometheus;

  beforeAll(async () => {
    app = await startApp();
    prometheus = await Prometheus.start(app.url, alertRules());
    await publish();
    const stream = await ByteStream.open(`${app.url}/api/v1/events?since=earliest`);
    await stream.frame();
    await eventually(async () => (await prometheus.query("matric_log_head")).length > 0);
    await publish();
    // A rate needs two scrapes.
    await eventually(async () => (await prometheus.query("count_over_time(matric_log_head[1m]) > 2")).length > 0);
    stream.close();
  }, 20_000);

  afterAll(async () => {
    await prometheus?.stop();
    await app?.stop();
  });

  async function publish(): Promise<void> {
    await app.fetch("/api/v1/events", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ event: "ThingHappened", data: {} }]),
    });
  }

  test("scrapes the server, by OpenMetrics as it prefers to", async () => {
    expect(await prometheus.targets()).toMatchObject([{ health: "up", lastError: "" }]);
    expect(await prometheus.query('matric_events_total{event="custom"}')).toMatchObject([{ value: [expect.any(Number), "2"] }]);
  });

  test.each(queries)("has an answer for the panel %s: %s", async (_title, expr) => {
    const found = await prometheus.query(expr);
    if (!mayBeEmpty.test(expr)) expect(found).not.toEqual([]);
  });

  test("evaluates every alert, and none of them fires at a healthy server", async () => {
    await eventually(async () => (await prometheus.rules()).every(({ health }) => health === "ok"));
    expect((await prometheus.rules()).filter(({ state }) => state !== "inactive")).toEqual([]);
  });
});

describe.skipIf(!hasPrometheus)("promtool", () => {
  test("finds no fault with the metrics", async () => {
    const app = await startApp({ jobTypes: ["resize"] });
    try {
      const metrics = await (await app.fetch("/metrics")).text();
      expect(await promtool(["check", "metrics"], metrics)).toEqual({ code: 0, output: "" });
    } finally {
      await app.stop();
    }
  });

  test("finds no fault with the alert rules", async () => {
    expect(await promtool(["check", "rules", "/dev/stdin"], alertRules())).toMatchObject({ code: 0 });
  });
});

test("the dashboard shows every panel once, none upon another", () => {
  const { panels } = JSON.parse(JSON.stringify(dashboard()));
  const cells = new Set<string>();
  for (const { gridPos } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(cells.has(`${x},${y}`)).toBe(false);
        cells.add(`${x},${y}`);
      }
    }
  }
  expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
});

test("every metric that is shown or alerted on is one that the server has", async () => {
  const app = await startApp();
  try {
    const metrics = await (await app.fetch("/metrics")).text();
    const known = new Set([...metrics.matchAll(/^# TYPE (\w+)/gm)].map((match) => match[1]));
    const used = `${alertRules()} ${queries.map(([, expr]) => expr).join(" ")}`.match(/\b(matric|process)_\w+/g) ?? [];
    const unknown = used.filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|count|sum)$/, "")));
    expect(unknown).toEqual([]);
  } finally {
    await app.stop();
  }
});
