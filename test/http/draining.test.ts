import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { EventPoll } from "../../src/events/contract.ts";
import { Problem } from "../../src/http/problem.ts";
import { ClaimedJob, Job } from "../../src/jobs/contract.ts";
import { Note } from "../../src/notes/contract.ts";
import { answer, eventStream, startAiServer } from "../support/ai-server.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const sea = { title: "Sea", content: "It is deep." };

/** A server that revises a note, as the model that it waits for will say. */
async function revising(dataDir: string, drainSeconds: number) {
  const { promise: said, resolve: say } = Promise.withResolvers<Response>();
  const model = startAiServer(() => said);
  const asked = model.nextRequest();
  const app = await startApp({ dataDir, drainSeconds, jobTypes: ["resize"], aiUrl: model.url, aiModel: "m" });
  const note = (await app.call(Note, "POST", "/notes", { body: sea })).body;
  const job = (await app.call(Job, "POST", `/notes/${note.id}/revise`)).body;
  await asked;
  return { app, note, job, model, say };
}

async function readAgain<T>(dataDir: string, read: (app: TestApp) => Promise<T>): Promise<T> {
  const app = await startApp({ dataDir, aiUrl: "http://127.0.0.1:1", aiModel: "m" });
  try {
    return await read(app);
  } finally {
    await app.stop();
  }
}

test("while it shuts down, what was begun may end and can be read, and nothing new begins", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const { app, note, job, model, say } = await revising(dataDir, 30);
  await app.call(Job, "POST", "/jobs", { body: { type: "resize" } });
  const claimed = (await app.call(ClaimedJob, "POST", "/jobs/claim", { body: { types: ["resize"], worker_id: "w1" } })).body;
  const stream = await app.fetch("/api/v1/events");
  const poll = app.call(EventPoll, "GET", "/events?transport=poll&since=latest");
  await app.fetch("/health");

  const stopped = app.stop();

  expect(await stream.text()).toContain("event: StreamClosing\ndata: ");
  expect((await poll).body).toMatchObject({ items: [] });
  expect(await app.call(Problem, "GET", "/events?transport=poll")).toMatchObject({ status: 503, body: { code: "draining" } });
  expect((await app.fetch("/health/ready")).status).toBe(503);
  expect(await (await app.fetch("/health")).json()).toMatchObject({ status: "draining" });
  const refused = await app.call(Problem, "POST", "/notes", { body: sea });
  expect(refused).toMatchObject({ status: 503, body: { code: "draining" } });
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(await app.call(Problem, "POST", `/jobs/${job.id}/cancel`)).toMatchObject({ status: 503 });
  const body = { types: ["resize"], worker_id: "w1", wait_seconds: 60 };
  expect(await app.call(Problem, "POST", "/jobs/claim", { body })).toMatchObject({ status: 503 });
  const late = await app.fetch("/api/v1/events");
  expect([late.status, await late.text()]).toEqual([200, expect.stringContaining("event: StreamClosing\ndata: ")]);
  expect((await app.call(Note, "GET", `/notes/${note.id}`)).body.version).toBe(1);
  expect((await app.call(Job, "POST", `/jobs/${claimed.id}/complete`)).body.status).toBe("completed");

  say(eventStream(answer("It is deep and wide.")));
  await stopped;
  await model.stop();
  const revised = await readAgain(dataDir, (again) => again.call(Note, "GET", `/notes/${note.id}`));
  expect(revised.body).toMatchObject({ content: "It is deep and wide.", version: 2 });
  rmSync(dataDir, { recursive: true });
});

test("a job that does not end in time is given back, without loss of an attempt", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const { app, job, model, say } = await revising(dataDir, 0);
  await app.stop();
  say(new Response());
  await model.stop();
  await readAgain(dataDir, async (again) => {
    const query = `job_id=${job.id}&transport=poll`;
    const [retrying] = (await again.call(EventPoll, "GET", `/events?${query}&since=earliest&events=JobRetrying`)).body.items;
    expect(retrying?.data).toMatchObject({ attempt: 1, error_code: "worker_stopped" });
    const next = await again.call(EventPoll, "GET", `/events?${query}&since=${retrying?.id}&events=JobStarted`);
    expect(next.body.items).toMatchObject([{ data: { attempt: 1 } }]);
  });
  rmSync(dataDir, { recursive: true });
});

test("a job that an external worker has not ended in time goes to the next one right after the restart", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const claim = async (app: TestApp) =>
    (await app.call(ClaimedJob, "POST", "/jobs/claim", { body: { types: ["resize"], worker_id: "w1" } })).body;
  const first = await startApp({ dataDir, drainSeconds: 0, jobTypes: ["resize"] });
  const job = (await first.call(Job, "POST", "/jobs", { body: { type: "resize" } })).body;
  await claim(first);
  await first.stop();
  const second = await startApp({ dataDir, jobTypes: ["resize"] });
  expect(await claim(second)).toMatchObject({ id: job.id, attempt: 1 });
  await second.call(Job, "POST", `/jobs/${job.id}/complete`);
  const { items } = (await second.call(EventPoll, "GET", `/events?transport=poll&since=earliest&job_id=${job.id}`)).body;
  expect(items.map(({ event }) => event)).toEqual(["JobQueued", "JobStarted", "JobRetrying", "JobStarted", "JobCompleted"]);
  await second.stop();
  rmSync(dataDir, { recursive: true });
});

test("an answer that is on its way when the server stops arrives", async () => {
  const app = await startApp({ durability: "full" });
  const answers = Array.from({ length: 20 }, () => app.call(Type.Union([Note, Problem]), "POST", "/notes", { body: sea }));
  await app.fetch("/health");
  await app.stop();
  for (const { status } of await Promise.all(answers)) expect([201, 503]).toContain(status);
});

test("a server that cannot listen says so, and leaves its data to another", async () => {
  const app = await startApp();
  const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const port = Number(new URL(app.url).port);
  await expect(startApp({ dataDir, port })).rejects.toMatchObject({
    code: "address_in_use",
    message: `The server cannot listen on 127.0.0.1 port ${port}: another program listens there; choose another port with --port.`,
  });
  await app.stop();
  await (await startApp({ dataDir })).stop();
  rmSync(dataDir, { recursive: true });
});
