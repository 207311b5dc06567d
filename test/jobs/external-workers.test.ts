import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { ClaimedJob } from "../../src/jobs/contract.ts";
import { scripted, TestQueue, user } from "../support/jobs.ts";
import { settle } from "../support/manual-clock.ts";

let server: TestQueue;
const built = scripted("built");
const claim = (options: { types?: string[]; worker_id?: string; wait_seconds?: number } = {}, signal?: AbortSignal) =>
  server.queue.external.claim({ types: ["resize"], worker_id: "w1", ...options }, signal);
const progress = (id: string, percent: number, more: object = {}) =>
  server.queue.external.progress(id, { progress: percent, ...more });

beforeEach(async () => {
  built.attempts.length = 0;
  server = await new TestQueue(() => ({ internalTypes: [built] })).start();
});
afterEach(() => server.close());

describe("claiming", () => {
  test("gives the job with its payload and a lease", async () => {
    const job = await server.create({ note_id: "n1", payload: { width: 3 } });
    const claimed = await claim();
    expect(claimed).toEqual({
      ...job,
      status: "running",
      attempt: 1,
      started_at: "2026-02-05T10:30:00.000Z",
      payload: { width: 3 },
      lease: { token: claimed?.lease.token ?? "", lease_seconds: 30, lease_expires_at: "2026-02-05T10:30:30.000Z" },
    });
    expect(addFormats(new Ajv()).validate(ClaimedJob, claimed)).toBe(true);
    expect(server.events.at(-1)).toMatchObject({
      event: "JobStarted",
      actor: { kind: "worker", id: null },
      data: { attempt: 1 },
    });
  });

  test("answers with nothing when there is none, at once or after the wait", async () => {
    expect(await claim()).toBeUndefined();
    const waiting = claim({ wait_seconds: 5 });
    await server.create({ type: "embed" });
    await server.clock.advance(5000);
    expect(await waiting).toBeUndefined();
  });

  test("takes the highest priority first, and of equals the oldest, over all types asked for", async () => {
    const low = await server.create({ priority: -1 });
    const old = await server.create({ type: "embed" });
    const young = await server.create();
    const high = await server.create({ type: "embed", priority: 7 });
    const order = [];
    for (let jobs = 0; jobs < 4; jobs++) order.push((await claim({ types: ["resize", "embed"] }))?.id);
    expect(order).toEqual([high, old, young, low].map(({ id }) => id));
  });

  test("serves those who wait in the order in which they came", async () => {
    const waiting = ["a", "b", "c"].map((worker_id) => claim({ worker_id, wait_seconds: 60 }));
    await settle();
    const jobs = [await server.create(), await server.create(), await server.create()];
    const claimed = await Promise.all(waiting);
    expect(claimed.map((one) => one?.id)).toEqual(jobs.map(({ id }) => id));
  });

  test("who went away takes no job along", async () => {
    const gone = new AbortController();
    const first = claim({ wait_seconds: 60 }, gone.signal);
    const second = claim({ worker_id: "w2", wait_seconds: 60 });
    await settle();
    gone.abort();
    const job = await server.create();
    expect(await first).toBeUndefined();
    expect((await second)?.id).toBe(job.id);
    expect(await claim({}, gone.signal)).toBeUndefined();
  });

  test("who goes away while the job is on its way gives it back without loss of an attempt", async () => {
    const job = await server.create();
    const gone = new AbortController();
    const first = claim({}, gone.signal);
    server.disk.isHeld = true;
    await settle();
    expect(server.queue.get(job.id).status).toBe("running");
    gone.abort();
    expect(await first).toBeUndefined();
    server.disk.release();
    await settle();
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", attempt: 0 });
    expect((await claim())?.id).toBe(job.id);
    expect(server.eventsOf(job)).toEqual(["JobQueued", "JobStarted", "JobRetrying", "JobStarted"]);
  });

  test("of types that external workers do not serve is refused", async () => {
    await expect(claim({ types: ["resize", "built"] })).rejects.toMatchObject({ code: "invalid", details: { field: "types" } });
    await expect(claim({ types: ["nothing"] })).rejects.toThrow('(those are resize, embed), not "nothing"');
  });

  test("is refused while the server stops, and those who wait are sent away", async () => {
    const waiting = claim({ wait_seconds: 60 });
    await settle();
    const stopped = server.queue.stop({ graceMs: 0 });
    expect(await waiting).toBeUndefined();
    await expect(claim()).rejects.toMatchObject({ code: "draining" });
    await server.clock.advance(2000);
    await stopped;
  });

  test("never gives one job to two, however many ask at once", async () => {
    for (let jobs = 0; jobs < 50; jobs++) await server.create();
    const claims = await Promise.all(Array.from({ length: 80 }, () => claim()));
    const ids = claims.flatMap((one) => one?.id ?? []);
    expect(ids).toHaveLength(50);
    expect(new Set(ids).size).toBe(50);
  });
});

describe("progress", () => {
  test("is stored at once, and renews the lease", async () => {
    const job = await server.create();
    await claim();
    for (let step = 1; step <= 4; step++) {
      await server.clock.advance(20_000);
      expect(await progress(job.id, step * 10, { message: `step ${step}` })).toEqual({
        cancelled: false,
        lease_expires_at: new Date(server.clock.now() + 30_000).toISOString(),
      });
      expect(server.queue.get(job.id)).toMatchObject({ status: "running", progress: step * 10, message: `step ${step}` });
    }
  });

  test("that is less than before is the newest word all the same: it is stored and told", async () => {
    const job = await server.create();
    await claim();
    await progress(job.id, 60);
    await progress(job.id, 40, { message: "there is more to do" });
    expect(server.queue.get(job.id)).toMatchObject({ progress: 40, message: "there is more to do" });
    await server.queue.external.complete(job.id, {});
    const told = server.events.filter(({ event }) => event === "JobProgress");
    expect(told.map(({ data }) => data.progress)).toEqual([60, 40]);
  });

  test("tells a worker whose job was cancelled", async () => {
    const job = await server.create();
    const claimed = await claim();
    await server.queue.cancel(job.id, user);
    expect(await progress(job.id, 50, { lease_token: claimed?.lease.token })).toEqual({
      cancelled: true,
      lease_expires_at: null,
    });
    await expect(server.queue.external.complete(job.id, {})).rejects.toMatchObject({
      code: "conflict",
      message: "The job was cancelled: leave off.",
    });
    await expect(server.queue.external.fail(job.id, { error_code: "broken", error: "x" })).rejects.toMatchObject({
      code: "conflict",
    });
  });
});

describe("ending a job", () => {
  test("stores the result and tells the last progress before the end", async () => {
    const job = await server.create();
    await claim();
    await server.clock.advance(1000);
    await progress(job.id, 10);
    await progress(job.id, 80, { message: "nearly" });
    await server.clock.advance(50);
    expect(await server.queue.external.complete(job.id, { result: { size: 3 } })).toMatchObject({
      status: "completed",
      progress: 100,
      message: "nearly",
      result: { size: 3 },
    });
    expect(server.dataOf("JobProgress", job).map(({ progress }) => progress)).toEqual([10, 80]);
    expect(server.dataOf("JobCompleted", job)).toEqual([{ job_id: job.id, job_type: "resize", duration_ms: 1050 }]);
    expect(server.eventsOf(job).at(-1)).toBe("JobCompleted");
  });

  test("can be repeated with the lease's token when the answer was lost", async () => {
    const job = await server.create();
    const claimed = await claim();
    const done = { result: [1], lease_token: claimed?.lease.token };
    const first = await server.queue.external.complete(job.id, done);
    expect(await server.queue.external.complete(job.id, done)).toEqual(first);
    await expect(server.queue.external.complete(job.id, { result: [1] })).rejects.toMatchObject({ code: "conflict" });
    expect(server.eventsOf(job)).toEqual(["JobQueued", "JobStarted", "JobCompleted"]);
  });

  test("by failure runs again after 1 s and 5 s, and then has failed for good", async () => {
    const job = await server.create();
    const failure = { error_code: "broken", error: "It broke." };
    await claim();
    for (const waitMs of [1000, 5000]) {
      expect(await server.queue.external.fail(job.id, failure)).toMatchObject({
        status: "queued",
        ...failure,
        finished_at: null,
      });
      const retryAt = new Date(server.clock.now() + waitMs).toISOString();
      expect(server.dataOf("JobRetrying", job).at(-1)).toMatchObject({ error_code: "broken", retry_at: retryAt });
      const next = claim({ wait_seconds: 60 });
      await server.clock.advance(waitMs - 1);
      expect(server.queue.get(job.id).status).toBe("queued");
      await server.clock.advance(1);
      expect(await next).toMatchObject({ id: job.id, error_code: null });
    }
    expect(await server.queue.external.fail(job.id, failure)).toMatchObject({ status: "failed", ...failure });
    expect(server.dataOf("JobFailed", job)).toEqual([
      { job_id: job.id, job_type: "resize", error_code: "broken", error: "It broke.", attempts: 3, duration_ms: 6000 },
    ]);
  });

  test("by failure that no other attempt would mend is final", async () => {
    const job = await server.create();
    await claim();
    expect(await server.queue.external.fail(job.id, { error_code: "broken", error: "x", retry: false })).toMatchObject({
      status: "failed",
      attempt: 1,
    });
  });

  test("with a result beyond 64 KiB is refused, and the job goes on", async () => {
    const job = await server.create();
    await claim();
    await expect(server.queue.external.complete(job.id, { result: "x".repeat(64 * 1024) })).rejects.toMatchObject({
      code: "too_large",
      details: { field: "result" },
    });
    expect(server.queue.get(job.id).status).toBe("running");
  });
});

describe("a job that is not the worker's own", () => {
  const actions = {
    progress: (id: string, holder: object) => server.queue.external.progress(id, { progress: 1, ...holder }),
    complete: (id: string, holder: object) => server.queue.external.complete(id, holder),
    fail: (id: string, holder: object) => server.queue.external.fail(id, { error_code: "broken", error: "x", ...holder }),
  };
  for (const [name, act] of Object.entries(actions)) {
    test(`${name} is refused with another's name or an old token, while it waits, and when the server itself runs it`, async () => {
      const job = await server.create();
      const first = await claim();
      await expect(act(job.id, { worker_id: "w2" })).rejects.toMatchObject({ code: "conflict" });
      await server.clock.advance(30_000);
      await expect(act(job.id, {})).rejects.toThrow("has expired");
      await server.clock.advance(1000);
      await claim();
      await expect(act(job.id, { worker_id: "w1", lease_token: first?.lease.token })).rejects.toMatchObject({ code: "conflict" });
      const own = await server.create({ type: "built" });
      await settle();
      await expect(act(own.id, {})).rejects.toThrow("The server itself runs this job.");
      await expect(act("0197", {})).rejects.toMatchObject({ code: "not_found" });
      expect(server.queue.get(job.id)).toMatchObject({ status: "running", attempt: 2 });
    });
  }
});

describe("leases", () => {
  test("of a worker that falls silent run out: the job is given to another after the backoff", async () => {
    const job = await server.create();
    await claim();
    await server.clock.advance(29_999);
    expect(server.queue.get(job.id).status).toBe("running");
    await server.clock.advance(1);
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", error_code: "lease_expired" });
    expect(server.dataOf("JobRetrying", job)).toMatchObject([{ attempt: 1, error_code: "lease_expired" }]);
    const next = claim({ worker_id: "w2", wait_seconds: 60 });
    await server.clock.advance(1000);
    expect(await next).toMatchObject({ id: job.id, attempt: 2 });
  });

  test("that run out in the last attempt end the job", async () => {
    const job = await server.create();
    for (let attempt = 1; attempt <= 3; attempt++) {
      const claimed = claim({ wait_seconds: 60 });
      await server.clock.advance(25_000);
      expect(await claimed).toMatchObject({ attempt });
      await server.clock.advance(30_000);
    }
    expect(server.queue.get(job.id)).toMatchObject({ status: "failed", error_code: "lease_expired" });
    expect(server.queue.status().queue_depth).toBe(0);
  });

  test("outlive a restart of the server, and go on to run out", async () => {
    const kept = await server.create();
    const lost = await server.create();
    const token = (await claim())?.lease.token;
    await claim();
    await server.clock.advance(20_000);
    await server.crash();
    await progress(kept.id, 30, { lease_token: token });
    await server.clock.advance(10_000);
    expect(server.queue.get(lost.id)).toMatchObject({ status: "queued", error_code: "lease_expired" });
    expect(await server.queue.external.complete(kept.id, { lease_token: token })).toMatchObject({ status: "completed" });
    expect(server.dataOf("JobProgress", kept).at(-1)?.elapsed_ms).toBeGreaterThan(25_000);
  });

  test("run out by time that passed, not by a wall clock that was set", async () => {
    const job = await server.create();
    await claim();
    server.clock.jump(3_600_000);
    await server.clock.advance(10_000);
    expect(await progress(job.id, 10)).toMatchObject({ cancelled: false });
    server.clock.jump(-7_200_000);
    await server.clock.advance(29_000);
    expect(server.queue.get(job.id).status).toBe("running");
    await server.clock.advance(1000);
    expect(server.queue.get(job.id).status).toBe("queued");
    expect(server.events.every(({ data }) => typeof data.elapsed_ms !== "number" || data.elapsed_ms >= 0)).toBe(true);
  });
});
