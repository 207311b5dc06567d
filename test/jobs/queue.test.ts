import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { Job } from "../../src/jobs/contract.ts";
import { JobQueue } from "../../src/jobs/queue.ts";
import { scripted, TestQueue, user } from "../support/jobs.ts";
import { settle } from "../support/manual-clock.ts";

let server: TestQueue;
const built = scripted("built");

beforeEach(async () => {
  built.attempts.length = 0;
  server = await new TestQueue(() => ({ internalTypes: [built] })).start();
});
afterEach(() => server.close());

describe("creating a job", () => {
  test("queues it, tells so in the name of who asked, and answers with the job as it is on the wire", async () => {
    const asker = { kind: "agent", id: "token-1" } as const;
    const { job, created } = await server.queue.create(
      { type: "resize", note_id: "note-1", payload: { width: 3 }, priority: 5 },
      asker,
    );
    expect(created).toBe(true);
    expect(job).toEqual({
      id: job.id,
      type: "resize",
      note_id: "note-1",
      status: "queued",
      priority: 5,
      progress: 0,
      message: null,
      attempt: 0,
      max_attempts: 3,
      error_code: null,
      error: null,
      result: null,
      created_at: "2026-02-05T10:30:00.000Z",
      started_at: null,
      finished_at: null,
    });
    expect(addFormats(new Ajv()).validate(Job, job)).toBe(true);
    expect(server.queue.get(job.id)).toEqual(job);
    expect(server.events).toMatchObject([
      {
        event: "JobQueued",
        subject: `job:${job.id}`,
        actor: asker,
        data: { job_id: job.id, job_type: "resize", note_id: "note-1" },
      },
    ]);
  });

  test("of an unknown type is refused with the names of the known ones", async () => {
    await expect(server.create({ type: "resise" })).rejects.toMatchObject({
      code: "invalid",
      details: { field: "type" },
      message:
        'type must be one of built, resize, embed, not "resise"; MATRIC_JOB_TYPES names those that external workers serve.',
    });
  });

  test("with a payload beyond 64 KiB is refused", async () => {
    const payload = { text: "x".repeat(64 * 1024) };
    await expect(server.create({ payload })).rejects.toMatchObject({ code: "too_large", details: { field: "payload" } });
  });

  test("a type cannot be served by the server and by external workers at once", () => {
    expect(() => new JobQueue({ ...server.options, externalTypes: ["built"] })).toThrow('must not name "built"');
  });
});

describe("deduplicating", () => {
  const work = { note_id: "note-1", payload: { a: 1, b: { c: [1, 2], d: null } } };
  const equal = { note_id: "note-1", payload: { b: { d: null, c: [1, 2] }, a: 1 } };

  test("answers with an equal job that still waits, whatever the order of its payload's keys", async () => {
    const first = await server.create(work);
    const again = await server.queue.create({ type: "resize", ...equal, deduplicate: true }, user);
    expect(again).toEqual({ job: first, created: false });
    expect(server.events).toHaveLength(1);
  });

  test("makes a new job when the other runs already, or differs, or nobody asked for it", async () => {
    const first = await server.create(work);
    expect((await server.create(equal)).id).not.toBe(first.id);
    const different = [
      { ...work, note_id: "note-2" },
      { ...work, payload: { ...work.payload, b: { c: [2, 1], d: null } } },
      { ...work, type: "embed" },
    ];
    for (const request of different) {
      expect(await server.queue.create({ type: "resize", ...request, deduplicate: true }, user)).toMatchObject({ created: true });
    }
    for (let waiting = 0; waiting < 3; waiting++) await server.queue.external.claim({ types: ["resize"], worker_id: "w" });
    expect(server.queue.get(first.id).status).toBe("running");
    const renewed = await server.queue.create({ type: "resize", ...work, deduplicate: true }, user);
    expect(renewed.job.id).not.toBe(first.id);
  });

  test("of many that ask at once makes one job", async () => {
    const created = await Promise.all(
      Array.from({ length: 20 }, () => server.queue.create({ type: "resize", ...work, deduplicate: true }, user)),
    );
    expect(new Set(created.map(({ job }) => job.id)).size).toBe(1);
    expect(created.filter(({ created }) => created)).toHaveLength(1);
  });
});

describe("listing", () => {
  test("is newest first, page by page, with the filters together", async () => {
    const jobs: Job[] = [];
    for (let index = 0; index < 5; index++) jobs.push(await server.create({ note_id: index % 2 === 0 ? "even" : "odd" }));
    await server.create({ type: "embed", note_id: "even" });
    await server.queue.cancel(jobs[0]?.id ?? "", user);
    const ids = (filter: Parameters<TestQueue["queue"]["list"]>[0]) =>
      server.queue.list(filter).items.map(({ id }) => jobs.findIndex((job) => job.id === id));

    const first = server.queue.list({ type: "resize", limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual([jobs[4]?.id ?? "", jobs[3]?.id ?? ""]);
    const second = server.queue.list({ type: "resize", limit: 2, cursor: first.next_cursor ?? "" });
    const third = server.queue.list({ type: "resize", limit: 2, cursor: second.next_cursor ?? "" });
    expect([...second.items, ...third.items].map(({ id }) => id)).toEqual([2, 1, 0].map((index) => jobs[index]?.id ?? ""));
    expect(third.next_cursor).toBeNull();
    expect(ids({ type: "resize", note_id: "even", status: "queued" })).toEqual([4, 2]);
    expect(ids({ status: "cancelled" })).toEqual([0]);
    expect(server.queue.list({ status: "running" })).toEqual({ items: [], next_cursor: null });
  });

  test("has fewer jobs in a page when their results are very large, and misses none", async () => {
    for (let index = 0; index < 600; index++) await server.create({ payload: { index } });
    server.options.db.sqlite.run("UPDATE jobs SET result = ?", [JSON.stringify("x".repeat(64 * 1024 - 2))]);
    const ids: string[] = [];
    const lengths: number[] = [];
    let cursor: string | undefined;
    do {
      const page = server.queue.list({ limit: 500, ...(cursor !== undefined && { cursor }) });
      ids.push(...page.items.map(({ id }) => id));
      lengths.push(page.items.length);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(new Set(ids).size).toBe(600);
    expect(ids).toEqual([...ids].sort().reverse());
    expect(lengths).toEqual([256, 256, 88]);
  });

  test("refuses a cursor that is none", () => {
    expect(() => server.queue.list({ cursor: "' OR 1" })).toThrow(
      "cursor must be the next_cursor of the page before, from the same list.",
    );
  });
});

describe("cancelling", () => {
  test("a job that waits: no worker gets it any more", async () => {
    const job = await server.create();
    expect(await server.queue.cancel(job.id, user)).toMatchObject({
      status: "cancelled",
      finished_at: "2026-02-05T10:30:00.000Z",
    });
    expect(server.eventsOf(job)).toEqual(["JobQueued", "JobCancelled"]);
    expect(await server.queue.external.claim({ types: ["resize"], worker_id: "w" })).toBeUndefined();
  });

  test("a running job tells its handler at once, and nothing that it does afterwards counts", async () => {
    const job = await server.create({ type: "built" });
    await settle();
    const [attempt] = built.attempts;
    await server.queue.cancel(job.id, user);
    expect(attempt?.context.signal.aborted).toBe(true);
    attempt?.context.progress(50);
    await expect(attempt?.complete() ?? Promise.resolve()).rejects.toThrow("no longer this worker's");
    attempt?.fail(new Error("cancelled"));
    await server.clock.advance(10_000);
    expect(server.eventsOf(job)).toEqual(["JobQueued", "JobStarted", "JobCancelled"]);
    expect(server.queue.status()).toEqual({ queue_depth: 0, pending: 0, running: 0, paused: false });
  });

  test("a job that waits for its next attempt", async () => {
    const job = await server.create({ type: "built" });
    await settle();
    built.attempts[0]?.fail(new Error("broken"));
    await settle();
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", error_code: "internal" });
    await server.queue.cancel(job.id, user);
    await server.clock.advance(60_000);
    expect(server.eventsOf(job)).toEqual(["JobQueued", "JobStarted", "JobRetrying", "JobCancelled"]);
  });

  test("a finished or unknown job is refused", async () => {
    const job = await server.create();
    await server.queue.cancel(job.id, user);
    await expect(server.queue.cancel(job.id, user)).rejects.toMatchObject({ code: "conflict" });
    await expect(server.queue.cancel("0197", user)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("retrying", () => {
  test("lets a cancelled job begin anew, with all its attempts", async () => {
    const job = await server.create({ type: "built" });
    await settle();
    built.attempts[0]?.context.progress(40, "half");
    await server.queue.cancel(job.id, user);
    const again = await server.queue.retry(job.id, user);
    expect(again).toEqual({ ...job, status: "queued" });
    await settle();
    expect(built.attempts).toHaveLength(2);
    await built.attempts[1]?.complete({ ok: true });
    expect(server.queue.get(job.id)).toMatchObject({ status: "completed", attempt: 1, result: { ok: true } });
    expect(server.eventsOf(job)).toEqual([
      "JobQueued",
      "JobStarted",
      "JobProgress",
      "JobCancelled",
      "JobQueued",
      "JobStarted",
      "JobCompleted",
    ]);
  });

  test("is refused for a job that waits, runs or is completed", async () => {
    const job = await server.create({ type: "built" });
    for (const status of ["queued", "running", "completed"]) {
      await expect(server.queue.retry(job.id, user)).rejects.toMatchObject({ code: "conflict" });
      if (status === "queued") await settle();
      if (status === "running") await built.attempts[0]?.complete();
    }
  });
});

describe("pausing", () => {
  test("lets nobody claim until resumed, while what runs goes on", async () => {
    const running = await server.create({ type: "built" });
    await settle();
    expect(await server.queue.pause(user)).toMatchObject({ paused: true });
    const waiting = await server.create({ type: "built" });
    const claimed = server.queue.external.claim({ types: ["resize"], worker_id: "w", wait_seconds: 60 });
    await server.create();
    await server.clock.advance(30_000);
    expect(built.attempts).toHaveLength(1);
    await built.attempts[0]?.complete();
    expect(server.queue.get(running.id).status).toBe("completed");

    await server.queue.resume(user);
    expect(await claimed).toMatchObject({ type: "resize", status: "running" });
    await settle();
    expect(server.queue.get(waiting.id).status).toBe("running");
  });

  test("is told only when it changes something, and outlives the server", async () => {
    await server.queue.resume(user);
    await server.queue.pause(user);
    await server.queue.pause(user);
    await server.crash();
    expect(server.queue.status().paused).toBe(true);
    await server.queue.pause(user);
    await server.queue.resume(user);
    expect(server.events.map(({ event, actor }) => [event, actor.kind])).toEqual([
      ["QueuePaused", "user"],
      ["QueueResumed", "user"],
    ]);
  });
});

test("the status follows every change, also across a restart", async () => {
  const seen: unknown[] = [];
  server.queue.onDepthChange(({ pending, running, paused }) => seen.push([pending, running, paused]));
  const first = await server.create();
  await server.create();
  await server.queue.external.claim({ types: ["resize"], worker_id: "w" });
  await server.queue.external.complete(first.id, {});
  await server.queue.pause(user);
  expect(seen).toEqual([
    [1, 0, false],
    [2, 0, false],
    [1, 1, false],
    [1, 0, false],
    [1, 0, true],
  ]);
  await server.crash();
  expect(server.queue.status()).toEqual({ queue_depth: 1, pending: 1, running: 0, paused: true });
});
