import type { Tx } from "../db/writer.ts";
import type { EventLog } from "../events/log.ts";
import type { JobStatus, QueueStatus } from "./contract.ts";
import type { Step } from "./lifecycle.ts";
import type { JobRow, JobStore } from "./store.ts";
import { toDraft, type WorkerEvent } from "./worker-event.ts";

/** Writes down what happens to jobs: each step with its event, and the count of those that wait and run. */
export class JobLedger {
  #pending = 0;
  #running = 0;
  #paused = false;
  readonly #listeners: ((status: QueueStatus) => void)[] = [];

  constructor(
    private readonly store: JobStore,
    private readonly log: EventLog,
  ) {
    this.#pending = this.store.count("queued");
    this.#running = this.store.count("running");
    this.#paused = this.store.paused();
  }

  status(): QueueStatus {
    const [pending, running] = [this.#pending, this.#running];
    return { queue_depth: pending + running, pending, running, paused: this.#paused };
  }

  /** Hears of every committed change of the status. Must not throw. */
  onChange(listener: (status: QueueStatus) => void): void {
    this.#listeners.push(listener);
  }

  /** A job that is new. */
  add(tx: Tx, step: Step): JobRow {
    const row = this.#told(tx, undefined, step);
    this.store.insert(row);
    return row;
  }

  /** A step that takes the job from the status `from` on. */
  record(tx: Tx, from: JobStatus, step: Step): JobRow {
    const row = this.#told(tx, from, step);
    this.store.save(row);
    return row;
  }

  setPaused(tx: Tx, paused: boolean): void {
    this.store.setPaused(paused);
    tx.afterCommit(() => {
      this.#paused = paused;
      this.#changed();
    });
  }

  /** Returns the `traceparent` with which a trace goes on that leads through the event. */
  append(tx: Tx, event: WorkerEvent): string | undefined {
    const draft = toDraft(event);
    // What somebody asks for belongs to his request; what a worker does belongs to the request that queued the job.
    const isAsked = event.kind === "queued" || event.kind === "cancelled";
    const [stored] = this.log.append(tx, [isAsked ? draft : { ...draft, trace: event.job.trace_context ?? null }]);
    return stored?.trace;
  }

  #told(tx: Tx, from: JobStatus | undefined, { row, event }: Step): JobRow {
    const trace = this.append(tx, event);
    tx.afterCommit(() => {
      this.#count(from, -1);
      this.#count(row.status, 1);
      this.#changed();
    });
    return event.kind === "queued" ? { ...row, trace_context: trace ?? null } : row;
  }

  #count(status: JobStatus | undefined, by: number): void {
    if (status === "queued") this.#pending += by;
    if (status === "running") this.#running += by;
  }

  #changed(): void {
    const status = this.status();
    for (const listener of this.#listeners) listener(status);
  }
}
