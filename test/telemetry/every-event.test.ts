import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { builtInNames } from "../../src/events/names.ts";
import { createLogger } from "../../src/logger.ts";
import { answer, eventStream, startAiServer } from "../support/ai-server.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { jsonLines } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { Receiver } from "../support/receiver.ts";
import { startApp } from "../support/start-app.ts";
import { HurriedClock } from "../ui/hurried-clock.ts";

/** Written down here once more, as people's queries and dashboards have it: a change breaks them. */
const lines: Record<string, [level: string, message: string, fields: string]> = {
  NoteCreated: ["INFO", "Note created", "note_id version"],
  NoteUpdated: ["INFO", "Note updated", "changed job_id note_id source version"],
  NoteDeleted: ["INFO", "Note deleted", "note_id version"],
  NoteRestored: ["INFO", "Note restored", "note_id version"],
  NoteRevisionCreated: ["INFO", "Note revision created", "job_id note_id source version"],
  JobQueued: ["INFO", "Job queued", "job_id job_type note_id"],
  JobStarted: ["INFO", "Job started", "attempt job_id job_type note_id"],
  JobProgress: ["DEBUG", "Job progress", "elapsed_ms job_id job_type note_id progress"],
  JobRetrying: ["WARN", "Job retrying", "attempt error_code job_id job_type retry_at"],
  JobCompleted: ["INFO", "Job completed", "duration_ms job_id job_type note_id"],
  JobFailed: ["ERROR", "Job failed", "attempts duration_ms error_code job_id job_type"],
  JobCancelled: ["INFO", "Job cancelled", "job_id job_type"],
  QueuePaused: ["INFO", "Queue paused", ""],
  QueueResumed: ["INFO", "Queue resumed", ""],
  WebhookFailed: ["ERROR", "Webhook failed", "attempts delivery_id error_code failed_event_id last_status webhook_id"],
  WebhookRecovered: ["INFO", "Webhook recovered", "webhook_id"],
  WebhookDisabled: ["WARN", "Webhook disabled", "reason webhook_id"],
  WebhookEnabled: ["INFO", "Webhook enabled", "webhook_id"],
  QueueStatus: ["INFO", "Queue status", "paused pending queue_depth running"],
  ConnectionOpened: ["INFO", "Connection opened", "connection_id cursor head heartbeat_seconds oldest resumed transport"],
  ConnectionClosed: ["INFO", "Connection closed", "connection_id duration_ms reason transport"],
  StreamGap: ["WARN", "Stream gap", "reason to"],
  StreamClosing: ["INFO", "Stream closing", "reason retry_ms"],
  StreamCursor: ["DEBUG", "Stream cursor", "cursor"],
  DeployFinished: ["INFO", "Custom event published", ""],
};

interface Line {
  timestamp: string;
  level: string;
  target: string;
  fields: Record<string, unknown>;
  message: string;
}

const told = new Map<string, Line>();

/** Lets everything happen that the server tells of; a hundred times as fast, since webhooks and heartbeats take minutes. */
beforeAll(async () => {
  const clock = new HurriedClock(100);
  const texts: string[] = [];
  const sink = { write: (line: string) => texts.push(line) };
  const logger = createLogger({ clock, sink, level: "debug", format: "json" });
  const isTold = (type: string) => texts.some((line) => line.includes(`"event.type":"${type}"`));
  let rewrite = async () => {};
  const ai = startAiServer(async () => {
    await rewrite();
    return eventStream(answer("A better text.\n"));
  });
  const receiver = new Receiver();
  const settings = {
    jobTypes: ["resize"],
    jobLeaseSeconds: 3000,
    webhookAllow: ["127.0.0.1"],
    aiUrl: ai.url,
    aiModel: "m",
    aiIdleSeconds: 60_000,
    aiTotalSeconds: 600_000,
  };
  const app = await startApp(settings, { clock, logger });
  const call = async (method: string, path: string, body?: object) => {
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await app.fetch(`/api/v1${path}`, { method, ...init });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    const text = await response.text();
    return text === "" ? undefined : JSON.parse(text);
  };

  const stream = await ByteStream.open(`${app.url}/api/v1/events?events=QueuePaused&since=999`);
  await stream.frame();
  const socket = new WebSocket(`${app.url.replace("http", "ws")}/api/v1/ws`);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.close();

  const note = await call("POST", "/notes", { title: "Note", content: "text" });
  await call("POST", `/notes/${note.id}/revise`, {});
  await eventually(() => isTold("JobCompleted"));
  let version = 0;
  rewrite = () => call("PATCH", `/notes/${note.id}`, { content: `text ${++version}` });
  await call("POST", `/notes/${note.id}/revise`, {});
  await eventually(() => isTold("NoteRevisionCreated"));
  await call("DELETE", `/notes/${note.id}`);
  await call("POST", `/notes/${note.id}/restore`);

  for (const retry of [true, false]) {
    const job = await call("POST", "/jobs", { type: "resize" });
    const { lease } = await call("POST", "/jobs/claim", { types: ["resize"], worker_id: "w" });
    const failure = { error_code: "no_space", error: "the disk is full", retry, lease_token: lease.token };
    await call("POST", `/jobs/${job.id}/fail`, failure);
    if (retry) await call("POST", `/jobs/${job.id}/cancel`);
  }
  await call("POST", "/queue/pause");
  await call("POST", "/queue/resume");

  const hook = await call("POST", "/webhooks", { url: receiver.url, events: ["DeployFinished"] });
  receiver.answer = () => new Response("no", { status: 500 });
  await call("POST", "/events", { event: "DeployFinished", data: { sha: "abc" } });
  await eventually(() => isTold("WebhookFailed"), 30_000);
  receiver.answer = () => new Response("yes");
  await eventually(() => isTold("WebhookRecovered"), 30_000);
  await call("POST", `/webhooks/${hook.id}/disable`);
  await call("POST", `/webhooks/${hook.id}/enable`);

  await eventually(() => isTold("StreamCursor"));
  await app.stop();
  stream.close();
  await Promise.all([ai.stop(), receiver.stop()]);
  for (const line of jsonLines(texts.join("")) as unknown as Line[]) {
    const type = String(line.fields["event.type"]);
    if (line.target === "matric::events" && !told.has(type)) told.set(type, line);
  }
}, 60_000);

afterAll(() => told.clear());

test("every event of the catalogue is here, and custom ones are", () => {
  expect(Object.keys(lines).sort()).toEqual([...builtInNames, "DeployFinished"].sort());
});

describe.each(Object.entries(lines))("%s", (type, [level, message, fields]) => {
  test("becomes one line with its level, its message and its fields, and no others", () => {
    const line = told.get(type);
    expect(line).toBeDefined();
    expect(Object.keys(line ?? {})).toEqual(["timestamp", "level", "target", "fields", "message"]);
    expect(line).toMatchObject({ level, message, target: "matric::events" });
    expect(line?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const isInLog = line?.fields["event.id"] !== undefined;
    const isOfStream = type.startsWith("Stream") || type.startsWith("Connection");
    expect(isInLog).toBe(!isOfStream && type !== "QueueStatus");
    const names = [
      "event.type",
      ...(isInLog ? ["event.id", "event.actor_kind"] : []),
      ...(isOfStream ? ["connection_id"] : []),
      ...fields.split(" ").flatMap((name) => (name === "" ? [] : `event.${name}`)),
    ];
    expect(Object.keys(line?.fields ?? {}).sort()).toEqual(names.sort());
  });
});

test("durations and counts are numbers, flags are flags", () => {
  expect(told.get("JobCompleted")?.fields["event.duration_ms"]).toEqual(expect.any(Number));
  expect(told.get("QueueStatus")?.fields).toMatchObject({ "event.queue_depth": 0, "event.paused": false });
  expect(told.get("ConnectionClosed")?.fields["event.duration_ms"]).toEqual(expect.any(Number));
});
