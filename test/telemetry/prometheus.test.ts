import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { alertRules } from "../../src/telemetry/ready/alerts.ts";
import { dashboard } from "../../src/telemetry/ready/dashboard.ts";
import { rows } from "../../src/telemetry/ready/panels.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { eventually } from "../support/eventually.ts";
import { hasPrometheus, Prometheus, promtool } from "../support/prometheus.ts";
import { queries } from "../support/readme.ts";
import { Receiver } from "../support/receiver.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

/** As Grafana fills in its variables. */
const filledIn = (expr: string) =>
  expr.replaceAll("$__rate_interval", "1m").replaceAll("$job", ".*").replaceAll("$instance", ".*");
const panelQueries = rows.flatMap(({ panels }) =>
  panels.flatMap(({ title, queries: own }) => own.map(({ expr }) => [title, filledIn(expr)] as const)),
);

/** Of what is asked for here nothing happened. */
const mayBeEmpty = /_limit_refusals_/;

describe.skipIf(!hasPrometheus)("a real Prometheus", () => {
  let app: TestApp;
  let prometheus: Prometheus;
  let receiver: Receiver;
  const thing = { event: "ThingHappened", data: {} };

  beforeAll(async () => {
    receiver = new Receiver();
    app = await startApp({ jobTypes: ["resize"], webhookAllow: ["127.0.0.1"] });
    prometheus = await Prometheus.start(app.url, alertRules());
    await post("/webhooks", { url: receiver.url, events: ["*"] });
    await post("/events", thing);
    const stream = await ByteStream.open(`${app.url}/api/v1/events?since=earliest`);
    await stream.frame();
    await eventually(async () => (await prometheus.query("matric_log_head")).length > 0);
    const note = await post("/notes", { title: "Note", content: "text" });
    await post(`/notes/${note.id}/revise`, {});
    const job = await post("/jobs", { type: "resize" });
    const { lease } = await post("/jobs/claim", { types: ["resize"], worker_id: "w" });
    await post(`/jobs/${job.id}/fail`, { error_code: "no_space", error: "full", retry: false, lease_token: lease.token });
    await post("/events", thing);
    // A rate needs two scrapes, and an increase is one between them.
    await eventually(async () => (await prometheus.query("count_over_time(matric_log_head[1m]) > 2")).length > 0);
    await eventually(async () => (await prometheus.query("increase(matric_job_failures_total[1m]) > 0")).length > 0);
    stream.close();
  }, 20_000);

  afterAll(async () => {
    await prometheus?.stop();
    await app?.stop();
    await receiver?.stop();
  });

  async function post(path: string, body: object) {
    const headers = { "content-type": "application/json" };
    const response = await app.fetch(`/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return JSON.parse(await response.text());
  }

  test("scrapes the server, by OpenMetrics as it prefers to", async () => {
    expect(await prometheus.targets()).toMatchObject([{ health: "up", lastError: "" }]);
    expect(await prometheus.query('matric_events_total{event="custom"}')).toMatchObject([{ value: [expect.any(Number), "2"] }]);
  });

  test.each(panelQueries)("has an answer for the panel %s: %s", async (_title, expr) => {
    const found = await prometheus.query(expr);
    if (!mayBeEmpty.test(expr)) expect(found).not.toEqual([]);
  });

  test.each(queries("promql"))("has an answer for the README's query for $about", async ({ query }) => {
    expect(await prometheus.query(query)).not.toEqual([]);
  });

  test("evaluates every alert, and none of them fires at a healthy server", async () => {
    await eventually(async () => (await prometheus.rules()).every(({ health }) => health === "ok"));
    expect((await prometheus.rules()).filter(({ state }) => state === "firing")).toEqual([]);
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
    const used = `${alertRules()} ${panelQueries.map(([, expr]) => expr).join(" ")}`.match(/\b(matric|process)_\w+/g) ?? [];
    const unknown = used.filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|count|sum)$/, "")));
    expect(unknown).toEqual([]);
  } finally {
    await app.stop();
  }
});
