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
const otlpKey = marked("OtlpKey");
otlp.refuse = () => new Response(marked("CollectorAnswer"), { status: 400 });

/** Uses everything that takes words, and has everything written down that is written down. */
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "matric-test-"));
  const aiAnswers = [
    () => Response.json({ error: { message: marked("AiError") } }, { status: 500 }),
    () => Response.json({ error: { message: marked("AiRefusal"), code: marked("AiCode") } }, { status: 400 }),
    () => new Response(`data: {"${marked("AiGarbage")}\n\n`, { headers: { "content-type": "text/event-stream" } }),
    () => new Response(`<html>${marked("AiPage")}</html>`, { headers: { "content-type": "text/html" } }),
    () =>
      new Response(`data: {"error":{"message":"${marked("AiStreamError")}"}}\n\n`, {
        headers: { "content-type": "text/event-stream" },
      }),
  ];
  let aiRequests = 0;
  const ai = startAiServer(() => aiAnswers[aiRequests++ % aiAnswers.length]?.() ?? new Response());
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
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${otlpKey}`,
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
  await eventually(() => stdout.includes('"the OTLP exporter met a problem"'));
  otlp.refuse = undefined;
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
    referer: `http://${marked("Referer")}/`,
    cookie: `matric=${marked("Cookie")}`,
    authorization: `Bearer mtr_${marked("Bearer")}`,
    baggage: `user=${marked("Baggage")}`,
    traceparent: `00-${marked("TraceParent")}`,
    "x-forwarded-for": marked("Forwarded"),
    "x-matric-actor": marked("Actor"),
    "x-own": marked("Header"),
    tracestate: marked("TraceState"),
  });
  await call("POST", `${v1}/notes`, `{"title": ${marked("BadJson")}`);
  await call("POST", `${v1}/notes`, { title: 1, [marked("Field")]: 1 });
  await call(marked("METHOD").toUpperCase(), `${v1}/notes`);
  await call("GET", "/health", undefined, { origin: `http://${marked("origin").toLowerCase()}.example` });
  await call("GET", "/health", undefined, { host: `${marked("host").toLowerCase()}.example` });
  await call("GET", `${v1}/events?events=${marked("EventFilter")}`);
  await call("GET", `${v1}/events?topics=${marked("TopicFilter")}&last_event_id=${marked("LastEventId")}`);
  await call("GET", `${v1}/events?ticket=${marked("Ticket")}&transport=poll&wait_seconds=0`);
  await call("PATCH", `${v1}/notes/${note.id}`, { title: "x" }, { "if-match": `"${marked("IfMatch")}"` });
  await call("POST", `${v1}/session`, { token: marked("SignIn") });

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

  const name = marked("Unresolvable").toLowerCase();
  await call("POST", `${v1}/webhooks`, { url: `http://${name}.invalid/${marked("DnsPath")}`, events: ["*"] });
  await call("POST", `${v1}/webhooks`, { url: `http://user:${marked("UrlPassword")}@127.0.0.1:9/`, events: ["*"] });
  await call("POST", `${v1}/webhooks`, { url: `http://127.0.0.1:9/${marked("RefusedPath")}`, events: ["*"] });
  const hook = await call("POST", `${v1}/webhooks`, {
    url: `${receiver.url}/${marked("HookPath")}?${marked("HookQuery")}=${marked("HookQueryValue")}`,
    events: ["*"],
    secret: marked("HookSecret"),
    description: marked("HookDescription"),
    headers: { "x-token": marked("HookHeader") },
  });
  await call("POST", `${v1}/webhooks/${hook.id}/test`);

  for (const _answer of aiAnswers) await call("POST", `${v1}/notes/${note.id}/revise`, { instructions: marked("Instructions") });
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

  const mcp = (body: unknown, headers: Record<string, string> = {}) =>
    call("POST", "/mcp", body, { accept: "application/json, text/event-stream", ...headers });
  const opened = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: marked("McpClient"), version: marked("McpVersion") },
      },
    }),
  });
  await opened.text();
  const session = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "", "mcp-protocol-version": "2025-11-25" };
  const tool = (toolName: string, args: object) =>
    mcp({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: toolName, arguments: args } }, session);
  await tool("create_note", { title: marked("McpTitle"), content: marked("McpContent"), tags: [marked("mcptag").toLowerCase()] });
  await tool("search_notes", { query: marked("McpQuery") });
  await tool("get_note", { note_id: marked("McpNoteId") });
  await tool("wait_for_events", { after: marked("McpAfter"), events: [marked("McpEvents")], timeout_ms: 0 });
  await tool(marked("McpTool"), { [marked("McpArgument")]: marked("McpValue") });
  await mcp({ jsonrpc: "2.0", id: 3, method: "resources/read", params: { uri: `matric://notes/${marked("McpUri")}` } }, session);
  await mcp(`{"jsonrpc": ${marked("McpBadJson")}`, session);
  const present = { "mcp-protocol-version": "2026-07-28", "mcp-method": marked("McpHeader") };
  await mcp({ jsonrpc: "2.0", id: 4, method: marked("McpPresent"), params: { [marked("McpParam")]: 1 } }, present);
  await mcp({ jsonrpc: "2.0", id: 5, method: "tools/list" }, { "mcp-session-id": marked("McpSession") });

  await eventually(() => stdout.split('"event.type":"JobFailed"').length > aiAnswers.length + 1);
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
