import type { Cancel, Clock } from "../clock.ts";
import type { RunningJob } from "./running-job.ts";
import type { JobRow } from "./store.ts";

/** A job that was just claimed. */
export interface Claim {
  row: JobRow;
  running: RunningJob;
}

/** Somebody who waits for a job. */
export interface Claimant {
  readonly types: readonly string[];
  /** Null for the server's own worker. */
  readonly workerId: string | null;
}

export interface ClaimWait extends Claimant {
  /** How long to wait; 0 is one look, without it until `signal` is aborted. */
  waitMs?: number;
  signal?: AbortSignal;
}

interface Entry {
  isPatient: boolean;
  /** A job is on its way to this one, as soon as the disk holds it. */
  isAssigned: boolean;
  settle: (outcome: { claim?: Claim; error?: unknown }) => void;
}

/** The line of those who wait for a job, first come first served. Who goes away leaves the line at once. */
export class Claimants {
  readonly #line = new Map<Claimant, Entry>();

  constructor(private readonly clock: Clock) {}

  /** Waits for a job; undefined when the time is up, `signal` is aborted or the line is dismissed. */
  wait({ types, workerId, waitMs, signal }: ClaimWait): Promise<Claim | undefined> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        resolve(undefined);
        return;
      }
      const claimant: Claimant = { types, workerId };
      const leave = () => settle({});
      const cancelTimer: Cancel = waitMs ? this.clock.after(waitMs, leave) : () => {};
      const settle: Entry["settle"] = ({ claim, error }) => {
        this.#line.delete(claimant);
        cancelTimer();
        signal?.removeEventListener("abort", leave);
        if (error === undefined) resolve(claim);
        else reject(error);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#line.set(claimant, { isPatient: waitMs !== 0, isAssigned: false, settle });
    });
  }

  isEmpty(): boolean {
    return this.#line.size === 0;
  }

  /** Those who no job is on its way to, the first one first. */
  inOrder(): Claimant[] {
    return [...this.#line].filter(([, entry]) => !entry.isAssigned).map(([claimant]) => claimant);
  }

  /** Keeps a second job from being given to the claimant until `serve`. */
  assign(claimant: Claimant): void {
    const entry = this.#line.get(claimant);
    if (entry) entry.isAssigned = true;
  }

  /** Hands over the job. False when the claimant has gone meanwhile. */
  serve(claimant: Claimant, claim: Claim): boolean {
    const entry = this.#line.get(claimant);
    entry?.settle({ claim });
    return entry !== undefined;
  }

  /** Of those for whom there was nothing, sends those away who wanted one look. */
  dismissImpatient(unserved: readonly Claimant[]): void {
    for (const claimant of unserved) {
      const entry = this.#line.get(claimant);
      if (entry && !entry.isPatient) entry.settle({});
    }
  }

  /** Sends everybody away with nothing. */
  dismiss(): void {
    for (const entry of [...this.#line.values()]) entry.settle({});
  }

  /** Tells everybody that no job could be looked for. */
  refuse(error: unknown): void {
    for (const entry of [...this.#line.values()]) entry.settle({ error });
  }
}
