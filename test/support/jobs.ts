import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskSync } from "../../src/db/disk-sync.ts";
import { openDb } from "../../src/db/open.ts";
import { Writer } from "../../src/db/writer.ts";
import type { Actor, Envelope } from "../../src/events/catalog.ts";
import { SqliteLog } from "../../src/events/sqlite-log.ts";
import type { CreateJob, Job } from "../../src/jobs/contract.ts";
import type { Completed, InternalJobType, JobContext, JobToRun } from "../../src/jobs/handler.ts";
import { JobQueue, type JobQueueOptions } from "../../src/jobs/queue.ts";
import { silentLogger } from "../../src/logger.ts";
import { ManualClock, settle } from "./manual-clock.ts";

export const user: Actor = { kind: "user", id: null };

/** An attempt at a job of a `scripted` type: the test decides what becomes of it. */
export interface Attempt {
  job: JobToRun;
  context: JobContext;
  complete(result?: Record<string, unknown>): Promise<Completed | undefined>;
  fail(error: unknown): void;
}

/** A type of job whose attempts wait until the test ends them. */
export function scripted(type: string): InternalJobType & { attempts: Attempt[] } {
  const attempts: Attempt[] = [];
  return {
    type,
    attempts,
    accept() {},
    run: (job, context) =>
      new Promise((resolve, reject) => {
        const complete = async (result = {}) => {
          const completed = await context.complete(() => result);
          if (completed) resolve(completed);
          return completed;
        };
        context.signal.addEventListener("abort", () => reject(context.signal.reason));
        attempts.push({ job, context, complete, fail: reject });
      }),
  };
}

/** A disk that can be made to keep the writer waiting: meanwhile changes are in the database, and nobody has heard of them. */
class SlowDisk implements DiskSync {
  isHeld = false;
  #waiting: (() => void)[] = [];

  start(done: (error: Error | null) => void): void {
    if (this.isHeld) this.#waiting.push(() => done(null));
    else setImmediate(() => done(null));
  }

  now(): void {
    this.release();
  }

  release(): void {
    this.isHeld = false;
    for (const done of this.#waiting.splice(0)) done();
  }
}

type Parts = Pick<JobQueueOptions, "db" | "writer" | "log" | "clock">;

/** A queue on a real database whose server can die and start again. */
export class TestQueue {
  readonly clock = new ManualClock();
  readonly disk = new SlowDisk();
  readonly events: Envelope[] = [];
  readonly #dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  readonly #choose: (parts: Parts) => Partial<JobQueueOptions>;
  #server: ReturnType<TestQueue["open"]>;

  /** `choose` is asked at every start of the server: its types may need other parts of that server. */
  constructor(choose: (parts: Parts) => Partial<JobQueueOptions>) {
    this.#choose = choose;
    this.#server = this.open();
  }

  get queue(): JobQueue {
    return this.#server.queue;
  }

  get options(): JobQueueOptions {
    return this.#server.options;
  }

  private open() {
    const db = openDb(this.#dataDir, "normal");
    const writer = new Writer({ sqlite: db.sqlite, diskSync: this.disk }, silentLogger);
    const log = new SqliteLog(db, this.clock);
    log.onAppend((committed) => {
      this.events.push(...committed.map((event): Envelope => JSON.parse(event.text)));
    });
    const usual = { internalTypes: [], externalTypes: ["resize", "embed"], attemptsMax: 3, leaseMs: 30_000, concurrency: 2 };
    const parts = { db, writer, log, clock: this.clock };
    const options: JobQueueOptions = { ...parts, logger: silentLogger, ...usual, ...this.#choose(parts) };
    return { db, writer, options, queue: new JobQueue(options) };
  }

  async start(): Promise<this> {
    await this.queue.start();
    await settle();
    return this;
  }

  /** Lets `acts` run and settle while the disk holds everything back, and then lets the disk go on. */
  async whileDiskWaits(acts: () => unknown): Promise<void> {
    this.disk.isHeld = true;
    acts();
    await settle();
    this.disk.release();
    await settle();
  }

  /** The server is killed, and started again: what it knew is gone, what was committed is there. */
  async crash(): Promise<void> {
    await settle();
    this.clock.forget();
    this.#server.db.close();
    this.#server = this.open();
    await this.start();
  }

  async create(request: Partial<CreateJob> = {}): Promise<Job> {
    const { job } = await this.queue.create({ type: "resize", ...request }, user);
    return job;
  }

  /** The names of the events about a job, in order. */
  eventsOf(job: { id: string }): string[] {
    return this.events.filter(({ data }) => data.job_id === job.id).map(({ event }) => event);
  }

  dataOf(name: string, job: { id: string }): Record<string, unknown>[] {
    return this.events.filter(({ event, data }) => event === name && data.job_id === job.id).map(({ data }) => data);
  }

  async close(): Promise<void> {
    const stopped = this.queue.stop({ graceMs: 0 });
    await this.clock.advance(2000);
    await stopped;
    this.#server.writer.stop();
    this.#server.db.close();
    rmSync(this.#dataDir, { recursive: true });
  }
}
