import { afterAll, beforeAll, expect, test } from "bun:test";
import { startApp, type TestApp } from "../support/start-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ jobTypes: ["resize"] });
});
afterAll(() => app.stop());

async function scrape(accept?: string): Promise<{ type: string | null; text: string }> {
  const response = await app.fetch("/metrics", accept === undefined ? {} : { headers: { accept } });
  return { type: response.headers.get("content-type"), text: await response.text() };
}

const sample = (text: string, line: string) =>
  text
    .split("\n")
    .find((one) => one.startsWith(line))
    ?.split(" ")
    .at(-1);

test("the text that everything reads, and OpenMetrics where that is asked for, however often in turn", async () => {
  const plain = await scrape();
  const open = await scrape("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
  expect(plain.type).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(open.type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(open.text.endsWith("# EOF\n")).toBe(true);
  expect(open.text).toContain("# TYPE matric_events counter\n");
  expect(open.text).toContain('matric_events_total{event="custom"} 0\n');
  expect((await scrape()).text).toContain("# TYPE matric_events_total counter\n");
});

test("every family has a help text, and a name of Prometheus's kind", async () => {
  const { text } = await scrape();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => ({ name, type }));
  expect(types.length).toBeGreaterThan(35);
  for (const { name, type } of types) {
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.{10,}$`, "m"));
    expect(name).toMatch(/^(matric|process)_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
  }
});

test("an event is counted as soon as somebody asks", async () => {
  const publish = (event: string) =>
    app.fetch("/api/v1/events", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ event, data: {} }),
    });
  await publish("ThingHappened");
  await publish("OtherThingHappened");
  const { text } = await scrape();
  expect(sample(text, 'matric_events_total{event="custom"}')).toBe("2");
  expect(sample(text, "matric_log_events ")).toBe("2");
  expect(text).not.toContain("ThingHappened");
});

test("no label grows with what users send", async () => {
  const before = (await scrape()).text.split("\n").length;
  for (let n = 0; n < 30; n++) {
    await app.fetch(`/api/v1/notes/unknown-${n}?q=${n}`);
    await app.fetch(`/nowhere/${n}`);
    await app.fetch("/api/v1/jobs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ type: `kind${n}` }),
    });
  }
  const { text } = await scrape();
  // The buckets of three more routes and statuses.
  expect(text.split("\n").length - before).toBeLessThan(60);
  expect(text).toContain('route="/api/v1/notes/:id",status="404"');
  expect(text).toContain('route="none",status="404"');
});

test("jobs are counted with the error codes that the server itself knows", async () => {
  const post = async (path: string, body: object) => {
    const response = await app.fetch(`/api/v1${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return JSON.parse(await response.text());
  };
  const job = await post("/jobs", { type: "resize" });
  const { lease } = await post("/jobs/claim", { types: ["resize"], worker_id: "w" });
  await post(`/jobs/${job.id}/fail`, { error_code: "made_up", error: "x", retry: false, lease_token: lease.token });
  const { text } = await scrape();
  expect(sample(text, 'matric_job_failures_total{job_type="resize",error_code="other"}')).toBe("1");
  expect(sample(text, 'matric_jobs_finished_total{job_type="resize",status="failed"}')).toBe("1");
  expect(text).not.toContain("made_up");
});

test("streams are counted while they are open and after", async () => {
  const abort = new AbortController();
  const response = await app.fetch("/api/v1/events", { signal: abort.signal });
  await response.body?.getReader().read();
  expect(sample((await scrape()).text, 'matric_connections{transport="sse"}')).toBe("1");
  abort.abort();
  let closed: string | undefined;
  while (closed !== "1")
    closed = sample((await scrape()).text, 'matric_connections_closed_total{transport="sse",reason="client"}');
  expect(sample((await scrape()).text, 'matric_connections_opened_total{transport="sse"}')).toBe("1");
});

test("a WebSocket is a request that was answered with 101", async () => {
  const socket = new WebSocket(`${app.url.replace("http", "ws")}/api/v1/ws`);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.close();
  expect((await scrape()).text).toContain('_count{method="GET",route="/api/v1/ws",status="101"} 1\n');
});

test("whatever an alert asks for is there before it happens, so that its first increase is seen", async () => {
  const fresh = await startApp({ jobTypes: ["resize"] });
  try {
    const lines = (await (await fresh.fetch("/metrics")).text()).split("\n");
    for (const line of [
      'matric_job_failures_total{job_type="resize",error_code="other"} 0',
      'matric_job_failures_total{job_type="ai_revision",error_code="ai_unreachable"} 0',
      'matric_job_retries_total{job_type="ai_revision",error_code="lease_expired"} 0',
      'matric_connections_closed_total{transport="ws",reason="slow"} 0',
      'matric_stream_closings_total{reason="draining"} 0',
      'matric_stream_gaps_total{reason="expired"} 0',
      'matric_commit_duration_seconds_count{result="refused"} 0',
      'matric_telemetry_dropped_total{what="line"} 0',
    ]) {
      expect(lines).toContain(line);
    }
  } finally {
    await fresh.stop();
  }
});

test("there is nothing at /metrics, and no line of the mirror, where telemetry is off", async () => {
  const quiet = await startApp({ telemetry: "off" });
  try {
    expect((await quiet.fetch("/metrics")).status).toBe(404);
  } finally {
    await quiet.stop();
  }
});
