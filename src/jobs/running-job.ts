import type { JobRow } from "./store.ts";

/**
 * A running job is reported this often at most. Four times a second are allowed: three while it runs leave room for the last
 * value, which is told together with the end.
 */
const paceMs = 334;
/** A job that says nothing is reported for this often. Five seconds are promised: timers and commits may take a while. */
const beatMs = 4000;

/** What only this process knows about an attempt: how far it is, what of that has been told, and until when its lease holds. */
export class RunningJob {
  readonly id: string;
  readonly token: string | null;
  /** Aborted when the attempt is over for another reason than its worker's own word: cancelled, released. */
  readonly abort = new AbortController();
  progress: number;
  message: string | null;
  /** On the monotonic clock, so that a jump of the wall clock takes no lease away; none while the server's own worker runs it. */
  deadlineMs: number | undefined;
  readonly #startedMs: number;
  #isUntold: boolean;
  #toldMs: number | undefined;

  constructor(row: JobRow, options: { nowMs: number; elapsedMs: number; deadlineMs: number | undefined; isUntold: boolean }) {
    this.id = row.id;
    this.token = row.lease_token;
    this.progress = row.progress;
    this.message = row.message;
    this.deadlineMs = options.deadlineMs;
    this.#startedMs = options.nowMs - options.elapsedMs;
    this.#isUntold = options.isUntold;
  }

  /** Takes the newest word, also one of less progress than before; a message stays until the next one. */
  report(progress: number, message: string | undefined): void {
    this.progress = Math.min(100, Math.max(0, progress));
    this.message = message ?? this.message;
    this.#isUntold = true;
  }

  /** Whether there is something that no event has told yet. */
  isUntold(): boolean {
    return this.#isUntold;
  }

  /** Whether the newest word may be told now. */
  isDue(nowMs: number): boolean {
    return this.#isUntold && nowMs >= this.#paceOver();
  }

  told(nowMs: number): void {
    this.#isUntold = false;
    this.#toldMs = nowMs;
  }

  /** The event that told it was not stored. */
  notTold(): void {
    this.#isUntold = true;
  }

  elapsedMs(nowMs: number): number {
    return Math.max(0, Math.round(nowMs - this.#startedMs));
  }

  hasExpired(nowMs: number): boolean {
    return this.deadlineMs !== undefined && nowMs >= this.deadlineMs;
  }

  /** When this job next needs attention: to be told about, or to lose its lease. */
  nextDueMs(nowMs: number): number {
    const tellMs = this.#isUntold ? this.#paceOver() : (this.#toldMs ?? this.#startedMs) + beatMs;
    return Math.max(nowMs, Math.min(tellMs, this.deadlineMs ?? tellMs));
  }

  #paceOver(): number {
    return this.#toldMs === undefined ? Number.NEGATIVE_INFINITY : this.#toldMs + paceMs;
  }
}
