import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Job } from "../../src/jobs/contract.ts";
import { JobError } from "../../src/jobs/handler.ts";
import { type JobAction, JobModel, jobAction } from "../support/job-model.ts";
import { scripted, TestQueue, user } from "../support/jobs.ts";
import { settle } from "../support/manual-clock.ts";

const broken = { error_code: "broken", error: "It broke." };

/** Does to the queue what the model is asked to do. */
class Driver {
  readonly built = scripted("built");
  readonly server = new TestQueue(() => ({ internalTypes: [this.built] }));
  readonly ids: string[] = [];

  async apply(action: JobAction): Promise<number | "conflict" | undefined> {
    const outcome = await this.#act(action).catch((error) => error.code);
    await settle();
    return outcome;
  }

  jobs(): Job[] {
    return this.ids.map((id) => this.server.queue.get(id));
  }

  /** Lets workers take and complete everything that is left. */
  async finishAll(): Promise<void> {
    const { queue, clock } = this.server;
    for (let round = 0; queue.status().queue_depth > 0 && round < 200; round++) {
      const claimed = await queue.external.claim({ types: ["resize"], worker_id: "last" });
      if (claimed) await queue.external.complete(claimed.id, {});
      for (const { context, complete } of this.built.attempts) if (!context.signal.aborted) await complete().catch(() => {});
      await clock.advance(30_000);
    }
  }

  async #act(action: JobAction): Promise<number | undefined> {
    const { server } = this;
    switch (action.kind) {
      case "create": {
        const { type, priority, work, deduplicate } = action;
        return this.#number((await server.queue.create({ type, priority, deduplicate, payload: { work } }, user)).job);
      }
      case "claim": {
        const job = await server.queue.external.claim({ types: ["resize"], worker_id: "w" });
        return job && this.#number(job);
      }
      case "pause":
        await server.queue.pause(user);
        return undefined;
      case "resume":
        await server.queue.resume(user);
        return undefined;
      case "crash":
        await server.crash();
        return undefined;
      case "advance":
        await server.clock.advance(action.ms);
        return undefined;
      default: {
        const id = this.ids[action.job];
        if (id !== undefined) await this.#change(action.kind, id);
        return undefined;
      }
    }
  }

  async #change(kind: string, id: string): Promise<unknown> {
    const { queue } = this.server;
    if (kind === "cancel") return queue.cancel(id, user);
    if (kind === "retry") return queue.retry(id, user);
    const { type, status } = queue.get(id);
    if (type === "built" && status === "running") return this.#ownWorker(kind, id);
    if (kind === "progress") return queue.external.progress(id, { progress: 50 });
    if (kind === "complete") return queue.external.complete(id, {});
    return queue.external.fail(id, { ...broken, retry: kind === "fail" });
  }

  async #ownWorker(kind: string, id: string): Promise<unknown> {
    const attempt = this.built.attempts.findLast(({ job }) => job.id === id);
    if (kind === "progress") return attempt?.context.progress(50);
    if (kind === "complete") return attempt?.complete();
    return attempt?.fail(new JobError({ errorCode: "internal", error: "It broke.", retry: kind === "fail" }));
  }

  #number({ id }: { id: string }): number {
    if (!this.ids.includes(id)) this.ids.push(id);
    return this.ids.indexOf(id);
  }
}

const withoutProgress = (names: string[]) => names.filter((name) => name !== "JobProgress");

test("whatever users, workers, time and bad luck do, the queue does what the model does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(jobAction, { maxLength: 60, size: "max" }), async (actions) => {
      const driver = new Driver();
      const { server } = driver;
      await server.start();
      try {
        const model = new JobModel();
        for (const action of actions) {
          expect(await driver.apply(action)).toBe(model.apply(action) as never);
          expect(driver.jobs().map(({ status, attempt }) => [status, attempt])).toEqual(
            model.jobs.map(({ status, attempt }) => [status, attempt]),
          );
          const [pending, running] = [model.count("queued"), model.count("running")];
          expect(server.queue.status()).toEqual({ queue_depth: pending + running, pending, running, paused: model.paused });
        }
        const told = driver.ids.map((id) => withoutProgress(server.eventsOf({ id })));
        expect(told).toEqual(model.jobs.map(({ events }) => events));
      } finally {
        await server.close();
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);

/** Which events may follow which in the life of a job. */
const successors: Record<string, string[]> = {
  JobQueued: ["JobStarted", "JobCancelled"],
  JobStarted: ["JobProgress", "JobRetrying", "JobCompleted", "JobFailed", "JobCancelled"],
  JobProgress: ["JobProgress", "JobRetrying", "JobCompleted", "JobFailed", "JobCancelled"],
  JobRetrying: ["JobStarted", "JobCancelled"],
  JobCompleted: [],
  JobFailed: ["JobQueued"],
  JobCancelled: ["JobQueued"],
};

test("also when the disk keeps changes waiting at any moment, every job has a lawful life and comes to its end", async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: jobAction },
    { weight: 1, arbitrary: fc.constantFrom("hold" as const, "release" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const driver = new Driver();
      const { server } = driver;
      await server.start();
      try {
        const acts: Promise<unknown>[] = [];
        for (const one of steps) {
          if (one === "hold") server.disk.isHeld = true;
          else if (one === "release") server.disk.release();
          else if (one.kind !== "crash") acts.push(driver.apply(one));
          await settle();
        }
        server.disk.release();
        await Promise.all(acts);
        await server.queue.resume(user);
        await driver.finishAll();
        for (const id of driver.ids) {
          const events = server.eventsOf({ id });
          for (const [index, name] of events.slice(1).entries()) expect(successors[events[index] ?? ""]).toContain(name);
          expect(events[0]).toBe("JobQueued");
        }
        expect(server.queue.status()).toMatchObject({ pending: 0, running: 0 });
        expect(server.clock.pending()).toBe(0);
      } finally {
        await server.close();
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);
