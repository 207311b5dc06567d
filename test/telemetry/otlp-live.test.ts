import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts";
import { ServerProcess } from "../support/server-process.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

let otlp: OtlpReceiver;
let hooks: { traceparent: string | null; event: string }[];
let hookServer: ReturnType<typeof Bun.serve>;
let server: ServerProcess | undefined;

beforeEach(() => {
  otlp = new OtlpReceiver();
  hooks = [];
  hookServer = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      hooks.push({
        traceparent: request.headers.get("traceparent"),
        event: request.headers.get("x-matric-event") ?? "",
      });
      return new Response();
    },
  });
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
  await hookServer.stop(true);
  await otlp.stop();
});

function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  return ServerProcess.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    OTEL_METRIC_EXPORT_INTERVAL: "200",
    OTEL_BSP_SCHEDULE_DELAY: "50",
    OTEL_BLRP_SCHEDULE_DELAY: "50",
    MATRIC_WEBHOOK_ALLOW: "127.0.0.1",
    ...env,
  });
}

async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<{ id: string }> {
  const response = await fetch(`${server?.url}/api/v1${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json() as Promise<{ id: string }>;
}

function span(name: string, holds: (span: ReceivedSpan) => boolean = () => true): ReceivedSpan {
  const found = otlp.spans.find((one) => one.name === name && holds(one));
  if (!found) throw new Error(`there is no span "${name}" among ${otlp.spans.map((one) => one.name).join(", ")}`);
  return found;
}

describe.each(["http/protobuf", "http/json"])("telemetry sent out as %s", (protocol) => {
  test("one trace goes from the request through transaction, event and job to the webhook", async () => {
    server = await start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=ours" });
    await post("/webhooks", { url: hookServer.url.href, events: ["JobCompleted"] });
    const note = await post("/notes", { title: "Traced", content: "some  text" });
    await post(`/notes/${note.id}/revise`, {}, { traceparent });
    await eventually(() => hooks.length > 0);
    await eventually(() => otlp.spans.some(({ name, traceId: id }) => name === "POST" && id === traceId));

    const request = span("POST /api/v1/notes/:id/revise");
    const commit = span("COMMIT matric.db", ({ parentId }) => parentId === request.spanId);
    const queued = span("publish JobQueued");
    const job = span("process ai_revision");
    const completed = span("publish JobCompleted");
    const attempt = span("POST", (one) => one.traceId === traceId);
    expect([request, commit, queued, job, completed, attempt].map((one) => one.traceId)).toEqual(Array(6).fill(traceId));
    expect(request.parentId).toBe("00f067aa0ba902b7");
    expect(queued.parentId).toBe(commit.spanId);
    expect(job.parentId).toBe(queued.spanId);
    expect(span("COMMIT matric.db", ({ spanId }) => spanId === completed.parentId).parentId).toBe(job.spanId);
    expect(attempt.parentId).toBe(completed.spanId);
    expect(span("publish JobStarted").parentId).toBe(queued.spanId);
    expect(hooks[0]?.traceparent).toBe(`00-${traceId}-${attempt.spanId}-01`);
    expect([request.kind, commit.kind, queued.kind, job.kind, attempt.kind]).toEqual([2, 3, 4, 5, 3]);
    expect(request.attributes).toEqual({
      "http.request.method": "POST",
      "http.route": "/api/v1/notes/:id/revise",
      "http.response.status_code": 202,
      "url.scheme": "http",
    });
    expect(attempt.attributes["http.response.status_code"]).toBe(200);
    expect(otlp.resource).toMatchObject({ "service.name": "matric" });
    expect(otlp.problems).toEqual([]);
    expect([...otlp.contentTypes]).toEqual([protocol === "http/json" ? "application/json" : "application/x-protobuf"]);
    expect(otlp.headers.every((headers) => headers.get("x-tenant") === "ours")).toBe(true);
  });

  test("metrics and logs say the same as /metrics and stdout", async () => {
    server = await start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    const note = await post("/notes", { title: "Measured", content: "text" }, { traceparent });
    const created = () => otlp.metrics.find(({ name }) => name === "matric_events")?.points;
    await eventually(() => created()?.find(({ attributes }) => attributes.event === "NoteCreated")?.value === 1);
    await eventually(() => otlp.logs.some(({ body }) => body === "Note created"));

    const log = otlp.logs.find(({ body }) => body === "Note created");
    expect(log).toMatchObject({ severity: "INFO", scope: "matric::events", traceId });
    expect(log?.attributes).toMatchObject({ "event.type": "NoteCreated", "event.note_id": note.id, "event.version": 1 });
    const requests = otlp.metrics.find(({ name }) => name === "matric_http_request_duration_seconds");
    expect(requests).toMatchObject({ kind: "histogram", unit: "s" });
    const [point] = requests?.points.filter(({ attributes }) => attributes.route === "/api/v1/notes") ?? [];
    expect(point?.buckets?.reduce((sum, count) => sum + count)).toBe(point?.value ?? -1);
    expect(otlp.metrics.find(({ name }) => name === "matric_queue_depth")?.kind).toBe("gauge");
    expect(otlp.problems).toEqual([]);
  });
});

test("a job goes on with its trace after the server was killed", async () => {
  server = await start({ MATRIC_JOB_TYPES: "other" });
  await post("/queue/pause", {});
  const note = await post("/notes", { title: "Killed", content: "text  text" });
  await post(`/notes/${note.id}/revise`, {}, { traceparent });
  await eventually(() => otlp.spans.some(({ name }) => name === "publish JobQueued"));
  await server.kill();
  await server.restart();
  await post("/queue/resume", {});
  await eventually(() => otlp.spans.some(({ name }) => name === "process ai_revision"));
  expect(span("process ai_revision")).toMatchObject({ traceId, parentId: span("publish JobQueued").spanId });
});

test("what is sampled is for the variables to say", async () => {
  server = await start({ OTEL_TRACES_SAMPLER: "always_off", OTEL_LOGS_EXPORTER: "none" });
  await post("/notes", { title: "Unseen", content: "text" });
  await eventually(() => otlp.metrics.some(({ name, points }) => name === "matric_log_head" && points[0]?.value === 1));
  expect(await server.terminate()).toBe(0);
  expect([otlp.spans, otlp.logs]).toEqual([[], []]);
});
