import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { EventPage, EventPoll } from "../../src/events/contract.ts";
import { Problem } from "../../src/http/problem.ts";
import { ClaimedJob, type CreateJob, Job, JobPage, ProgressAnswer, QueueStatus } from "../../src/jobs/contract.ts";
import { checkEvent } from "../support/event-schema.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Nothing = Type.Undefined();
let app: TestApp;

beforeAll(async () => {
  app = await startApp({
    jobTypes: ["resize", "embed", "index", "crop", "rotate", "list", "sort"],
    jobAttempts: 2,
    drainSeconds: 0,
  });
});
afterAll(() => app.stop());

async function queue(type: string, more: Partial<CreateJob> = {}): Promise<Job> {
  const { body } = await app.call(Job, "POST", "/jobs", { body: { type, ...more } });
  return body;
}

async function claim(type: string, more: Record<string, unknown> = {}): Promise<ClaimedJob> {
  const { body } = await app.call(ClaimedJob, "POST", "/jobs/claim", { body: { types: [type], worker_id: "w1", ...more } });
  return body;
}

async function eventsAbout({ id }: { id: string }): Promise<string[]> {
  const { body } = await app.call(EventPage, "GET", `/events?job_id=${id}`, { headers: { accept: "application/json" } });
  for (const event of body.items) expect(checkEvent(event)).toEqual([]);
  return body.items.map(({ event }) => event);
}

describe("a job", () => {
  test("is queued, and can be read", async () => {
    const created = await app.call(Job, "POST", "/jobs", { body: { type: "resize", payload: { width: 3 }, priority: 7 } });
    expect(created).toMatchObject({ status: 202, body: { type: "resize", status: "queued", priority: 7, attempt: 0 } });
    expect(created.headers.get("location")).toBe(`/api/v1/jobs/${created.body.id}`);
    expect(await app.call(Job, "GET", `/jobs/${created.body.id}`)).toMatchObject({ status: 200, body: created.body });
  });

  test("is not made twice while an equal one waits, if that is wished", async () => {
    const body = { type: "embed", payload: { a: 1, b: 2 }, deduplicate: true };
    const first = await app.call(Job, "POST", "/jobs", { body });
    const again = await app.call(Job, "POST", "/jobs", { body: { ...body, payload: { b: 2, a: 1 } } });
    expect([first.status, again.status]).toEqual([202, 200]);
    expect(again.body.id).toBe(first.body.id);
    const other = await app.call(Job, "POST", "/jobs", { body: { ...body, payload: { a: 2, b: 2 } } });
    expect(other.status).toBe(202);
    const wished = await app.call(Job, "POST", "/jobs", { body: { ...body, deduplicate: false } });
    expect(wished.status).toBe(202);
  });

  test("is cancelled, and begins anew", async () => {
    const { id } = await queue("index");
    expect(await app.call(Job, "POST", `/jobs/${id}/cancel`)).toMatchObject({ status: 200, body: { status: "cancelled" } });
    expect(await app.call(Problem, "POST", `/jobs/${id}/cancel`)).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await app.call(Job, "POST", `/jobs/${id}/retry`)).toMatchObject({
      status: 200,
      body: { status: "queued", attempt: 0 },
    });
    expect(await app.call(Problem, "POST", `/jobs/${id}/retry`)).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await eventsAbout({ id })).toEqual(["JobQueued", "JobCancelled", "JobQueued"]);
  });

  test("that nobody knows is not found, whatever is asked of it", async () => {
    const bodies = {
      progress: { progress: 1 },
      complete: {},
      fail: { error_code: "broken", error: "It broke." },
      cancel: {},
      retry: {},
    };
    for (const id of ["nobody", "%00", "01a20ad6-7bfb-703a-92f8-0d83ee77f4e4"]) {
      expect(await app.call(Problem, "GET", `/jobs/${id}`)).toMatchObject({ status: 404 });
      for (const [action, body] of Object.entries(bodies)) {
        const answer = await app.call(Problem, "POST", `/jobs/${id}/${action}`, { body });
        expect([action, answer.status, answer.body.code]).toEqual([action, 404, "not_found"]);
      }
    }
  });

  test("of an unknown type, or about an unknown note, is refused", async () => {
    const unknown = await app.call(Problem, "POST", "/jobs", { body: { type: "guess" } });
    expect(unknown).toMatchObject({ status: 422, body: { code: "invalid", field: "type" } });
    expect(unknown.body.detail).toContain("ai_revision, resize");
    const lost = await app.call(Problem, "POST", "/jobs", { body: { type: "ai_revision", note_id: "nobody" } });
    expect(lost).toMatchObject({ status: 422, body: { field: "note_id" } });
    expect(await app.call(Problem, "POST", "/notes/nobody/revise")).toMatchObject({ status: 404 });
  });
});

describe("a worker outside the server", () => {
  test("claims a job, tells how far it is, and completes it", async () => {
    const { id } = await queue("crop", { payload: { height: 2 } });
    const claimed = await claim("crop");
    expect(claimed).toMatchObject({ id, status: "running", payload: { height: 2 }, lease: { lease_seconds: 30 } });
    const lease_token = claimed.lease.token;
    const told = await app.call(ProgressAnswer, "POST", `/jobs/${id}/progress`, {
      body: { progress: 40, message: "half", lease_token },
    });
    expect(told).toMatchObject({ status: 200, body: { cancelled: false } });
    const done = await app.call(Job, "POST", `/jobs/${id}/complete`, { body: { result: { pixels: 6 }, lease_token } });
    expect(done).toMatchObject({ status: 200, body: { status: "completed", progress: 100, result: { pixels: 6 } } });
    const late = await app.call(Problem, "POST", `/jobs/${id}/fail`, {
      body: { error_code: "late", error: "Too late.", lease_token },
    });
    expect(late).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await eventsAbout({ id })).toEqual(["JobQueued", "JobStarted", "JobProgress", "JobCompleted"]);
  });

  test("fails a job, which runs again until its attempts are used up", async () => {
    const { id } = await queue("rotate");
    await claim("rotate");
    const body = { error_code: "broken", error: "It broke." };
    const first = await app.call(Job, "POST", `/jobs/${id}/fail`, { body });
    expect(first.body).toMatchObject({ status: "queued", attempt: 1, error_code: "broken" });
    await claim("rotate", { wait_seconds: 10 });
    const last = await app.call(Job, "POST", `/jobs/${id}/fail`, { body });
    expect(last.body).toMatchObject({ status: "failed", attempt: 2, error: "It broke." });
    expect(await eventsAbout({ id })).toEqual(["JobQueued", "JobStarted", "JobRetrying", "JobStarted", "JobFailed"]);
  });

  test("is told that its job was cancelled", async () => {
    const { id } = await queue("rotate");
    await claim("rotate");
    await app.call(Job, "POST", `/jobs/${id}/cancel`);
    const told = await app.call(ProgressAnswer, "POST", `/jobs/${id}/progress`, { body: { progress: 50 } });
    expect(told.body).toEqual({ cancelled: true, lease_expires_at: null });
  });

  test("waits for a job until there is one", async () => {
    const waiting = claim("sort", { wait_seconds: 30 });
    await app.call(QueueStatus, "GET", "/queue");
    const { id } = await queue("sort");
    expect(await waiting).toMatchObject({ id });
  });

  test("gets no answer but 204 when there is none", async () => {
    const body = { types: ["list"], worker_id: "w1" };
    expect(await app.call(Nothing, "POST", "/jobs/claim", { body })).toMatchObject({ status: 204 });
    expect(await app.call(Nothing, "POST", "/jobs/claim", { body: { ...body, wait_seconds: 0.05 } })).toMatchObject({
      status: 204,
    });
  });

  test("that goes away while it waits takes no job with it", async () => {
    const gone = new AbortController();
    const body = { types: ["list"], worker_id: "gone", wait_seconds: 60 };
    const waiting = app.call(Nothing, "POST", "/jobs/claim", { body, signal: gone.signal });
    await app.call(QueueStatus, "GET", "/queue");
    gone.abort();
    await expect(waiting).rejects.toThrow();
    // One more turn, in which the server sees that the connection is closed.
    await app.call(QueueStatus, "GET", "/queue");
    const { id } = await queue("list");
    expect(await claim("list", { wait_seconds: 30 })).toMatchObject({ id, attempt: 1 });
    expect(await eventsAbout({ id })).toEqual(["JobQueued", "JobStarted"]);
  });

  test("serves only types that are named for it", async () => {
    const answer = await app.call(Problem, "POST", "/jobs/claim", {
      body: { types: ["resize", "ai_revision"], worker_id: "w1" },
    });
    expect(answer).toMatchObject({ status: 422, body: { field: "types" } });
  });
});

describe("the list of jobs", () => {
  test("is filtered and has pages, the newest job first", async () => {
    const other = await startApp({ jobTypes: ["one", "two"] });
    try {
      const ids: string[] = [];
      for (const type of ["one", "two", "one", "one"]) {
        ids.unshift((await other.call(Job, "POST", "/jobs", { body: { type } })).body.id);
      }
      await other.call(Job, "POST", `/jobs/${ids[0]}/cancel`);
      const list = async (query: string) => (await other.call(JobPage, "GET", `/jobs?${query}`)).body;
      expect((await list("")).items.map(({ id }) => id)).toEqual(ids);
      expect((await list("type=one&status=queued")).items.map(({ id }) => id)).toEqual(ids.slice(1, 2).concat(ids.slice(3)));
      expect((await list("note_id=nobody")).items).toEqual([]);
      const first = await list("limit=3");
      expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 3));
      expect(await list(`limit=3&cursor=${first.next_cursor}`)).toMatchObject({ items: [{ id: ids[3] }], next_cursor: null });
    } finally {
      await other.stop();
    }
  });

  test("names the parameter that is wrong", async () => {
    for (const [query, field] of [
      ["status=waiting", "status"],
      ["limit=0", "limit"],
      ["limit=501", "limit"],
      ["cursor=x", "cursor"],
      ["state=queued", "state"],
      ["status=queued&status=failed", "status"],
    ]) {
      const answer = await app.call(Problem, "GET", `/jobs?${query}`);
      expect([query, answer.status, answer.body.field]).toEqual([query, 422, field]);
    }
  });
});

test("a server that stops sends those away who wait for a job", async () => {
  const stopping = await startApp({ jobTypes: ["resize"] });
  const body = { types: ["resize"], worker_id: "w1", wait_seconds: 60 };
  const waiting = stopping.call(Nothing, "POST", "/jobs/claim", { body });
  await stopping.call(QueueStatus, "GET", "/queue");
  await stopping.stop();
  expect((await waiting).status).toBe(204);
});

test("a long poll hears of a job's end at once", async () => {
  const { id } = await queue("crop");
  await claim("crop");
  const heard = app.call(EventPoll, "GET", `/events?transport=poll&since=earliest&job_id=${id}&events=job.completed`);
  await app.call(Job, "POST", `/jobs/${id}/complete`);
  expect((await heard).body.items).toMatchObject([{ event: "JobCompleted", data: { job_id: id } }]);
});
