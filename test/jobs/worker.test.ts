import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { JobError } from "../../src/jobs/handler.ts";
import { scripted, TestQueue, user } from "../support/jobs.ts";
import { settle } from "../support/manual-clock.ts";

let server: TestQueue;
const built = scripted("built");
const create = async (request = {}) => {
  const job = await server.create({ type: "built", ...request });
  await settle();
  return job;
};
const attempt = (index: number) => {
  const found = built.attempts.at(index);
  if (!found) throw new Error(`there is no attempt ${index}`);
  return found;
};

beforeEach(async () => {
  built.attempts.length = 0;
  server = await new TestQueue(() => ({ internalTypes: [built] })).start();
});
afterEach(() => server.close());

describe("running jobs", () => {
  test("as many at once as are allowed, the next as soon as one has ended", async () => {
    const jobs = [await create(), await create(), await create()];
    expect(jobs.map(({ id }) => server.queue.get(id).status)).toEqual(["running", "running", "queued"]);
    await attempt(0).complete({ answer: 42 });
    await settle();
    expect(jobs.map(({ id }) => server.queue.get(id).status)).toEqual(["completed", "running", "running"]);
    expect(server.queue.get(jobs[0]?.id ?? "").result).toEqual({ answer: 42 });
  });

  test("hands the handler what the job is about", async () => {
    const job = await create({ note_id: "note-1", payload: { width: 3 } });
    expect(attempt(0).job).toEqual({ id: job.id, noteId: "note-1", payload: { width: 3 } });
  });

  test("what the handler writes at the end and the end itself are one transaction", async () => {
    const job = await create();
    const { context } = attempt(0);
    const failed = context.complete((tx) => {
      server.options.log.append(tx, [{ event: "ThingDone", data: {}, subject: null, actor: user }]);
      throw new Error("not after all");
    });
    await expect(failed).rejects.toThrow("not after all");
    expect(server.queue.get(job.id).status).toBe("running");
    expect(await context.complete(() => undefined)).toBeUndefined();
    expect(server.queue.get(job.id).status).toBe("running");
    await context.complete((tx) => {
      server.options.log.append(tx, [{ event: "ThingDone", data: {}, subject: null, actor: user }]);
      return {};
    });
    expect(server.events.map(({ event }) => event)).toEqual(["JobQueued", "JobStarted", "ThingDone", "JobCompleted"]);
  });

  test("a wall clock that is set back by years keeps no attempt waiting for years", async () => {
    const job = await create();
    server.clock.jump(3 * 365 * 86_400_000);
    attempt(0).fail(new Error("first"));
    await settle();
    expect(server.queue.get(job.id).status).toBe("queued");
    server.clock.jump(-3 * 365 * 86_400_000);
    await server.clock.advance(1000);
    expect(server.queue.get(job.id)).toMatchObject({ status: "running", attempt: 2 });
  });

  test("an unexpected error is not shown to anybody, and the job is tried again", async () => {
    const job = await create();
    attempt(0).fail(new Error("secret"));
    await server.clock.advance(1000);
    expect(server.dataOf("JobRetrying", job)).toMatchObject([{ error_code: "internal" }]);
    expect(JSON.stringify(server.events)).not.toContain("secret");
    expect(server.queue.get(job.id)).toMatchObject({ status: "running", attempt: 2 });
  });

  test("a JobError says why, whether to try again, and how long to wait at least", async () => {
    const job = await create();
    attempt(0).fail(new JobError({ errorCode: "ai_rate_limited", error: "Slow down.", retry: true, retryAfterMs: 7000 }));
    await server.clock.advance(6999);
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", error_code: "ai_rate_limited", error: "Slow down." });
    await server.clock.advance(1);
    attempt(1).fail(new JobError({ errorCode: "note_not_found", error: "Gone.", retry: false }));
    await settle();
    expect(server.dataOf("JobFailed", job)).toMatchObject([
      { error_code: "note_not_found", error: "Gone.", attempts: 2, duration_ms: 7000 },
    ]);
  });
});

describe("progress", () => {
  const told = (job: { id: string }) =>
    server.dataOf("JobProgress", job).map(({ progress, message, elapsed_ms }) => [elapsed_ms, progress, message]);

  test("is told at once, then at most four times a second, the newest value each time, and the last one before the end", async () => {
    const job = await create();
    const started = server.clock.now();
    for (let percent = 1; percent <= 97; percent++) {
      attempt(0).context.progress(percent, `at ${percent}`);
      await server.clock.advance(20);
    }
    await attempt(0).complete();
    const times = server.events.filter(({ event }) => event === "JobProgress").map(({ time }) => Date.parse(time) - started);
    for (const from of times) expect(times.filter((time) => time >= from && time < from + 1000).length).toBeLessThanOrEqual(4);
    expect(times.length).toBeGreaterThanOrEqual(6);
    expect(told(job)[0]).toEqual([0, 1, "at 1"]);
    expect(told(job).at(-1)).toEqual([1940, 97, "at 97"]);
    expect(server.eventsOf(job).slice(-2)).toEqual(["JobProgress", "JobCompleted"]);
    const percents = told(job).map(([, percent]) => Number(percent));
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  });

  test("is told in bursts as well: of a thousand values in one turn the first moment's newest and the last", async () => {
    const job = await create();
    for (let step = 0; step < 1000; step++) attempt(0).context.progress(step / 10);
    await settle();
    for (let step = 0; step < 1000; step++) attempt(0).context.progress(step / 10);
    await attempt(0).complete();
    expect(told(job)).toEqual([
      [0, 99.9, undefined],
      [0, 99.9, undefined],
    ]);
  });

  test("of a job that says nothing is told at least every 5 s: same percentage, new elapsed time", async () => {
    const job = await create();
    await server.clock.advance(6000);
    attempt(0).context.progress(30, "thinking");
    await server.clock.advance(30_000);
    const times = told(job).map(([elapsed]) => Number(elapsed));
    for (const [index, time] of times.entries()) expect(time - (times[index - 1] ?? 0)).toBeLessThanOrEqual(5000);
    expect(
      told(job)
        .slice(1)
        .every(([, percent, message]) => percent === 30 && message === "thinking"),
    ).toBe(true);
    expect(times.at(-1)).toBeGreaterThan(31_000);
  });

  test("of an external worker is told for it while its lease holds", async () => {
    const job = await server.create();
    await server.queue.external.claim({ types: ["resize"], worker_id: "w" });
    await server.queue.external.progress(job.id, { progress: 20 });
    await server.clock.advance(60_000);
    const times = told(job).map(([elapsed]) => Number(elapsed));
    expect(times).toEqual([0, 4000, 8000, 12_000, 16_000, 20_000, 24_000, 28_000]);
  });

  test("never goes back within an attempt, and stays between 0 and 100", async () => {
    const job = await create();
    for (const [percent, message] of [
      [40, "a"],
      [20, "b"],
      [-5, "c"],
      [250, "d"],
    ] as const) {
      attempt(0).context.progress(percent, message);
      await server.clock.advance(400);
    }
    expect(told(job).map(([, percent, message]) => [percent, message])).toEqual([
      [40, "a"],
      [40, "b"],
      [40, "c"],
      [100, "d"],
    ]);
    expect(() => attempt(0).context.progress(Number.NaN)).toThrow(RangeError);
    expect(server.queue.get(job.id)).toMatchObject({ progress: 100, message: "d" });
  });

  test("begins anew with the next attempt, and no timer is left after the end", async () => {
    const job = await create();
    attempt(0).context.progress(80, "nearly");
    attempt(0).fail(new Error("broken"));
    await settle();
    expect(told(job)).toEqual([[0, 80, "nearly"]]);
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", progress: 80 });
    await server.clock.advance(1000);
    expect(server.queue.get(job.id)).toMatchObject({ status: "running", progress: 0, message: null });
    await attempt(1).complete();
    await settle();
    expect(server.clock.pending()).toBe(0);
  });
});

describe("a killed server", () => {
  test("started again runs the jobs on at once, and counts the attempt", async () => {
    const jobs = [await create(), await create(), await create()];
    attempt(0).context.progress(50);
    await server.crash();
    expect(jobs.map(({ id }) => server.queue.get(id).status)).toEqual(["running", "running", "queued"]);
    expect(server.queue.get(jobs[0]?.id ?? "")).toMatchObject({ attempt: 2, progress: 0 });
    expect(server.eventsOf({ id: jobs[0]?.id ?? "" })).toEqual([
      "JobQueued",
      "JobStarted",
      "JobProgress",
      "JobRetrying",
      "JobStarted",
    ]);
    expect(server.queue.status()).toMatchObject({ pending: 1, running: 2 });
  });

  test("three times over the same job gives the job up: it may be what kills it", async () => {
    const job = await create();
    for (let crashes = 0; crashes < 3; crashes++) await server.crash();
    expect(server.queue.get(job.id)).toMatchObject({ status: "failed", error_code: "lease_expired", attempt: 3 });
    expect(built.attempts).toHaveLength(3);
  });

  test("keeps a backoff that had begun", async () => {
    const job = await create();
    attempt(0).fail(new Error("broken"));
    await server.clock.advance(400);
    await server.crash();
    await server.clock.advance(599);
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", attempt: 1 });
    await server.clock.advance(1);
    expect(server.queue.get(job.id)).toMatchObject({ status: "running", attempt: 2 });
  });
});

describe("stopping", () => {
  test("takes no more jobs and waits for those that run", async () => {
    const jobs = [await create(), await create(), await create()];
    let hasStopped = false;
    const stopped = server.queue.stop({ graceMs: 30_000 }).then(() => {
      hasStopped = true;
    });
    await attempt(0).complete();
    await server.clock.advance(10_000);
    expect(hasStopped).toBe(false);
    expect(server.dataOf("JobProgress", { id: jobs[1]?.id ?? "" }).length).toBeGreaterThan(0);
    await attempt(1).complete();
    await stopped;
    expect(jobs.map(({ id }) => server.queue.get(id).status)).toEqual(["completed", "completed", "queued"]);
    expect(server.clock.pending()).toBe(0);
  });

  test("gives back what does not end in time, without loss of an attempt, and tells its handler", async () => {
    const job = await create();
    attempt(0).context.progress(60);
    const stopped = server.queue.stop({ graceMs: 30_000 });
    expect(server.queue.stop({ graceMs: 0 })).toBe(stopped);
    await server.clock.advance(29_999);
    expect(attempt(0).context.signal.aborted).toBe(false);
    await server.clock.advance(1);
    expect(attempt(0).context.signal.aborted).toBe(true);
    await server.clock.advance(1000);
    await stopped;
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", attempt: 0 });
    expect(server.dataOf("JobRetrying", job)).toMatchObject([{ attempt: 1, error_code: "worker_stopped" }]);
    await expect(attempt(0).complete()).rejects.toThrow("no longer this worker's");
    await server.crash();
    expect(server.queue.get(job.id)).toMatchObject({ status: "running", attempt: 1 });
  });
});

describe("while the disk keeps a change waiting", () => {
  test("a job that is cancelled before its worker has got it ends cancelled, and its handler is told", async () => {
    const job = await create();
    await attempt(0).complete();
    const next = await server.create({ type: "built", priority: 1 });
    await server.whileDiskWaits(() => server.queue.cancel(next.id, user));
    expect(server.queue.get(job.id).status).toBe("completed");
    expect(server.queue.get(next.id).status).toBe("cancelled");
    expect(built.attempts.slice(1).every(({ context }) => context.signal.aborted)).toBe(true);
    await server.clock.advance(10_000);
    expect(server.eventsOf(next).at(-1)).toBe("JobCancelled");
    expect(server.queue.status().queue_depth).toBe(0);
  });

  test("progress that comes after the end is dropped", async () => {
    const job = await create();
    await server.whileDiskWaits(() => {
      attempt(0).complete();
      setImmediate(() => attempt(0).context.progress(70));
    });
    await server.clock.advance(10_000);
    expect(server.eventsOf(job)).toEqual(["JobQueued", "JobStarted", "JobCompleted"]);
  });
});

describe("a disk that takes nothing for a while", () => {
  const breakDisk = (isBroken: boolean) => server.options.db.sqlite.run(`PRAGMA query_only = ${isBroken}`);

  test("loses neither a job nor its last progress: both are told when it works again", async () => {
    const job = await create();
    attempt(0).context.progress(5);
    await settle();
    attempt(0).context.progress(10);
    breakDisk(true);
    const error = await attempt(0)
      .complete()
      .catch((failure) => failure);
    expect(error).toMatchObject({ code: "storage_unavailable" });
    attempt(0).fail(error);
    await server.clock.advance(5000);
    breakDisk(false);
    await server.clock.advance(30_000);
    expect(server.dataOf("JobProgress", job).slice(0, 2)).toMatchObject([{ progress: 5 }, { progress: 10 }]);
    expect(server.dataOf("JobRetrying", job)).toMatchObject([{ attempt: 1 }]);
    expect(server.queue.get(job.id)).toMatchObject({ status: "running", attempt: 2 });
    expect(server.queue.status()).toMatchObject({ pending: 0, running: 1 });
  });

  test("makes a claim fail with a clear error, and the server's own worker try again", async () => {
    await server.queue.pause(user);
    const job = await create();
    await server.create();
    await server.queue.resume(user).finally(() => breakDisk(true));
    await expect(server.queue.external.claim({ types: ["resize"], worker_id: "w" })).rejects.toMatchObject({
      code: "storage_unavailable",
    });
    breakDisk(false);
    await server.clock.advance(1000);
    expect(server.queue.get(job.id).status).toBe("running");
  });
});
