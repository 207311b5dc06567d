import fc from "fast-check";
import type { JobStatus } from "../../src/jobs/contract.ts";

const leaseMs = 30_000;
const attemptsMax = 3;
const concurrency = 2;

export type JobAction =
  | { kind: "create"; type: "resize" | "built"; priority: number; work: number; deduplicate: boolean }
  | { kind: "claim" }
  | { kind: "progress" | "complete" | "fail" | "give up" | "cancel" | "retry"; job: number }
  | { kind: "pause" | "resume" | "crash" }
  | { kind: "advance"; ms: number };

const job = fc.nat(30);
const onJob = (kind: "progress" | "complete" | "fail" | "give up" | "cancel" | "retry") =>
  fc.record({ kind: fc.constant(kind), job });

/** Something that a user, a worker, the clock or bad luck does to the queue. */
export const jobAction: fc.Arbitrary<JobAction> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      type: fc.constantFrom("resize" as const, "built" as const),
      priority: fc.integer({ min: -1, max: 1 }),
      work: fc.nat(2),
      deduplicate: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: "claim" as const }) },
  ...(["progress", "complete", "fail", "give up", "cancel", "retry"] as const).map((kind) => ({
    weight: 2,
    arbitrary: onJob(kind),
  })),
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("pause" as const, "resume" as const, "crash" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 999, 1000, 5000, 29_000, 60_000) }),
  },
);

interface ModelJob {
  type: string;
  priority: number;
  work: number;
  status: JobStatus;
  attempt: number;
  runAt: number;
  leaseEndsAt: number;
  /** What the log should say of it, in short. */
  events: string[];
}

/** What the queue should do, in as few words as possible. Jobs go by their number. */
export class JobModel {
  readonly jobs: ModelJob[] = [];
  paused = false;
  #now = 0;

  /** Returns the job that was made or given out, or the code of the refusal. */
  apply(action: JobAction): number | "conflict" | undefined {
    const outcome = this.#act(action);
    this.#work();
    return outcome;
  }

  count(status: JobStatus): number {
    return this.jobs.filter((one) => one.status === status).length;
  }

  #act(action: JobAction): number | "conflict" | undefined {
    switch (action.kind) {
      case "create":
        return this.#create(action);
      case "claim":
        return this.paused ? undefined : this.#start("resize");
      case "pause":
        this.paused = true;
        return undefined;
      case "resume":
        this.paused = false;
        return undefined;
      case "crash":
        for (const one of this.#running("built")) this.#fail(one, 0);
        return undefined;
      case "advance":
        return this.#advance(this.#now + action.ms);
      default:
        return this.#change(action.kind, this.jobs[action.job]);
    }
  }

  #create({ type, priority, work, deduplicate }: JobAction & { kind: "create" }): number {
    const equal = this.jobs.findIndex((one) => one.type === type && one.work === work && one.status === "queued");
    if (deduplicate && equal >= 0) return equal;
    this.jobs.push({ type, priority, work, status: "queued", attempt: 0, runAt: 0, leaseEndsAt: 0, events: ["JobQueued"] });
    return this.jobs.length - 1;
  }

  #change(kind: string, one: ModelJob | undefined): "conflict" | undefined {
    if (!one) return undefined;
    const isFinished = ["completed", "failed", "cancelled"].includes(one.status);
    if (kind === "cancel") {
      if (isFinished) return "conflict";
      this.#end(one, "cancelled", "JobCancelled");
    } else if (kind === "retry") {
      if (one.status !== "failed" && one.status !== "cancelled") return "conflict";
      Object.assign(one, { status: "queued", attempt: 0, runAt: 0 });
      one.events.push("JobQueued");
    } else if (one.status !== "running") {
      return kind === "progress" && one.status === "cancelled" ? undefined : "conflict";
    } else if (kind === "progress") one.leaseEndsAt = this.#now + leaseMs;
    else if (kind === "complete") this.#end(one, "completed", "JobCompleted");
    else if (kind === "give up") this.#end(one, "failed", "JobFailed");
    else this.#fail(one, 1000 * 5 ** (one.attempt - 1));
    return undefined;
  }

  #end(one: ModelJob, status: JobStatus, event: string): void {
    one.status = status;
    one.events.push(event);
  }

  #fail(one: ModelJob, delayMs: number): void {
    if (one.attempt >= attemptsMax) {
      this.#end(one, "failed", "JobFailed");
    } else {
      this.#end(one, "queued", "JobRetrying");
      one.runAt = this.#now + delayMs;
    }
  }

  #running(type: string): ModelJob[] {
    return this.jobs.filter((one) => one.type === type && one.status === "running");
  }

  #start(type: string): number | undefined {
    const ready = this.jobs.filter((one) => one.type === type && one.status === "queued" && one.runAt <= this.#now);
    const first = ready.toSorted((a, b) => b.priority - a.priority || this.jobs.indexOf(a) - this.jobs.indexOf(b))[0];
    if (!first) return undefined;
    Object.assign(first, { status: "running", attempt: first.attempt + 1, leaseEndsAt: this.#now + leaseMs });
    first.events.push("JobStarted");
    return this.jobs.indexOf(first);
  }

  /** The server's own worker takes what it can. */
  #work(): void {
    while (!this.paused && this.#running("built").length < concurrency) if (this.#start("built") === undefined) return;
  }

  #advance(until: number): undefined {
    for (;;) {
      const leases = this.#running("resize").map((one) => one.leaseEndsAt);
      const delays = this.jobs.filter((one) => one.status === "queued" && one.runAt > this.#now).map((one) => one.runAt);
      const next = Math.min(until, ...leases, ...delays);
      this.#now = Math.max(this.#now, next);
      for (const one of this.#running("resize")) if (one.leaseEndsAt <= this.#now) this.#fail(one, 1000 * 5 ** (one.attempt - 1));
      this.#work();
      if (next >= until) return;
    }
  }
}
