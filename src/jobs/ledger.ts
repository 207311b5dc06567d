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
  add(tx: Tx, { row, event }: Step): JobRow {
    this.store.insert(row);
    return this.#told(tx, undefined, row, event);
  }

  /** A step that takes the job from the status `from` on. */
  record(tx: Tx, from: JobStatus, { row, event }: Step): JobRow {
    this.store.save(row);
    return this.#told(tx, from, row, event);
  }

  setPaused(tx: Tx, paused: boolean): void {
    this.store.setPaused(paused);
    tx.afterCommit(() => {
      this.#paused = paused;
      this.#changed();
    });
  }

  append(tx: Tx, event: WorkerEvent): void {
    this.log.append(tx, [toDraft(event)]);
  }

  #told(tx: Tx, from: JobStatus | undefined, row: JobRow, event: WorkerEvent): JobRow {
    this.append(tx, event);
    tx.afterCommit(() => {
      this.#count(from, -1);
      this.#count(row.status, 1);
      this.#changed();
    });
    return row;
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
