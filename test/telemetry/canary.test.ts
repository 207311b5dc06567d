import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAiServer } from "../support/ai-server.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { spawnCli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { OtlpReceiver } from "../support/otlp-receiver.ts";
import { Receiver } from "../support/receiver.ts";

/** One for each place that somebody can fill, so that a failure tells which one leaked. */
const markers = new Set<string>();
function marked(place: string): string {
  const marker = `canary${place}${"x".repeat(4)}`;
  markers.add(marker);
  return marker;
}

let dataDir: string;
let stdout = "";
let stderr = "";
let metrics = { text: "", openmetrics: "" };
const otlp = new OtlpReceiver();

/** Uses everything that takes words, and has everything written down that is written down. */
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "matric-test-"));
  const ai = startAiServer(() => Response.json({ error: { message: marked("AiError") } }, { status: 500 }));
  const receiver = new Receiver(
    () => new Response(marked("HookAnswer"), { status: 500, headers: { "x-hook": marked("HookAnswerHeader") } }),
  );
  const child = spawnCli(["serve", "--port", "0", "--data-dir", dataDir], {
    env: {
      MATRIC_LOG_FORMAT: "json",
      MATRIC_LOG_LEVEL: "debug",
      MATRIC_WEBHOOK_ALLOW: "127.0.0.1",
      MATRIC_JOB_TYPES: "resize",
      MATRIC_JOB_ATTEMPTS: "1",
      MATRIC_AI_URL: `${ai.url}?${marked("AiUrlQuery")}=1`,
      MATRIC_AI_MODEL: "some-model",
      MATRIC_AI_KEY: marked("AiKey"),
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    },
  });
  const reading = Promise.all([
    (async () => {
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) stdout += chunk;
    })(),
    child.stderr.text().then((text) => {
      stderr = text;
    }),
  ]);
  await eventually(() => stdout.includes('"listening"'));
  const url = /"url":"([^"]+)\/"/.exec(stdout)?.[1] ?? "";

  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return text.startsWith("{") ? JSON.parse(text) : {};
  };
  const v1 = "/api/v1";

  const note = await call("POST", `${v1}/notes`, {
    title: marked("Title"),
    content: marked("Content"),
    tags: [marked("tag").toLowerCase()],
  });
  await call("PATCH", `${v1}/notes/${note.id}`, { title: marked("Title2"), tags: [marked("tag2").toLowerCase()] });
  await call("GET", `${v1}/notes?q=${marked("Search")}&tag=${marked("SearchTag")}`);
  await call("GET", `${v1}/notes/${marked("NoteId")}`);
  await call("GET", `/${marked("Path")}?${marked("Query")}=${marked("QueryValue")}`);
  await call("GET", "/health", undefined, {
    "user-agent": marked("UserAgent"),
    "x-own": marked("Header"),
    tracestate: marked("TraceState"),
  });
  await call("POST", `${v1}/notes`, `{"title": ${marked("BadJson")}`);
  await call("POST", `${v1}/notes`, { title: 1, [marked("Field")]: 1 });
  await call(marked("METHOD").toUpperCase(), `${v1}/notes`);

  await call("POST", `${v1}/events`, {
    event: "ThingHappened",
    data: { [marked("DataKey")]: marked("DataValue"), note_id: marked("DataNoteId"), job_id: marked("DataJobId") },
    subject: marked("Subject"),
  });
  await call("POST", `${v1}/events`, { event: marked("bad name"), data: {} });
  const stream = await ByteStream.open(
    `${url}${v1}/events?note_id=${marked("StreamNote")}&since=5-${marked("c").toLowerCase().slice(0, 15)}`,
  );
  await stream.frame();
  stream.close();
  const socket = new WebSocket(`${url.replace("http", "ws")}${v1}/ws`);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.send(JSON.stringify({ op: "subscribe", note_id: marked("SocketNote"), ref: marked("Ref") }));
  socket.send(marked("SocketText"));
  await eventually(() => stdout.includes('"event.transport":"ws"'));
  socket.close();

  const hook = await call("POST", `${v1}/webhooks`, {
    url: `${receiver.url}/${marked("HookPath")}?${marked("HookQuery")}=${marked("HookQueryValue")}`,
    events: ["*"],
    secret: marked("HookSecret"),
    description: marked("HookDescription"),
    headers: { "x-token": marked("HookHeader") },
  });
  await call("POST", `${v1}/webhooks/${hook.id}/test`);

  await call("POST", `${v1}/notes/${note.id}/revise`, { instructions: marked("Instructions") });
  const job = await call("POST", `${v1}/jobs`, { type: "resize", payload: { [marked("PayloadKey")]: marked("Payload") } });
  const claimed = await call("POST", `${v1}/jobs/claim`, { types: ["resize"], worker_id: marked("Worker") });
  const lease = { lease_token: claimed.lease?.token };
  await call("POST", `${v1}/jobs/${job.id}/progress`, { progress: 10, message: marked("Progress"), ...lease });
  await call("POST", `${v1}/jobs/${job.id}/fail`, { error_code: "no_space", error: marked("JobError"), retry: false, ...lease });
  await call("POST", `${v1}/jobs`, { type: marked("jobtype").toLowerCase() });
  await call("POST", `${v1}/tokens`, { name: marked("TokenName"), scopes: ["notes:read"] });
  await call(
    "POST",
    "/mcp",
    { jsonrpc: "2.0", id: marked("McpId"), method: marked("McpMethod"), params: { name: marked("McpName") } },
    { accept: "application/json, text/event-stream" },
  );

  await eventually(() => stdout.includes('"event.type":"JobFailed"') && stdout.split('"event.type":"JobFailed"').length > 2);
  await receiver.received(2);
  await Bun.sleep(300);
  const scrape = async (accept: string) => (await fetch(`${url}/metrics`, { headers: { accept } })).text();
  metrics = { text: await scrape("text/plain"), openmetrics: await scrape("application/openmetrics-text") };
  child.kill("SIGTERM");
  await child.exited;
  await reading;
  await Promise.all([ai.stop(), receiver.stop()]);
}, 25_000);

afterAll(async () => {
  await otlp.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** In whatever spelling. */
function found(text: string): string[] {
  const lower = text.toLowerCase();
  return [...markers].filter((marker) => lower.includes(marker.toLowerCase()));
}

test("nothing that somebody wrote is in the log", () => {
  expect(found(stdout)).toEqual([]);
  expect(stdout).toContain('"event.type":"ThingHappened"');
  expect(stderr).toBe("");
});

test("nor in the metrics", () => {
  expect(found(metrics.text)).toEqual([]);
  expect(found(metrics.openmetrics)).toEqual([]);
  expect(metrics.text).toContain("matric_job_failures_total");
});

test("nor in what is sent out", () => {
  const sent = otlp.bodies.map((body) => new TextDecoder().decode(body)).join("\n");
  expect(found(sent)).toEqual([]);
  expect([otlp.spans.length > 20, otlp.logs.length > 10, otlp.metrics.length > 20]).toEqual([true, true, true]);
  expect(otlp.problems).toEqual([]);
});

test("every line is JSON of the promised shape", () => {
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(["timestamp", "level", "target", "fields", "message"]);
    expect(line.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(["DEBUG", "INFO", "WARN", "ERROR"]).toContain(line.level);
  }
});
