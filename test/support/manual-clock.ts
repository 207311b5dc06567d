import type { Cancel, Clock } from "../../src/clock.ts";

interface Timer {
  dueMs: number;
  order: number;
  task: () => void;
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  #wallMs: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 1, 5, 10, 30)) {
    this.#wallMs = startMs;
  }

  now(): number {
    return this.#wallMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, task: () => void): Cancel {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` pass: runs what falls due, in order and each at its time, and lets promises and commits settle in between. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settle();
    for (let timer = this.#next(); timer && timer.dueMs <= untilMs; timer = this.#next()) {
      this.#timers.delete(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      timer.task();
      await settle();
    }
    this.#elapsedMs = untilMs;
  }

  /** Sets the wall clock forward or, with negative `ms`, back; nothing falls due by that. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /** Drops every timer, as the death of the process would. */
  forget(): void {
    this.#timers.clear();
  }

  /** Timers that have not run: a test can see that nothing was left behind. */
  pending(): number {
    return this.#timers.size;
  }

  #next(): Timer | undefined {
    return [...this.#timers].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
  }
}

/** Lets everything finish that needs no time: promises and the writer's commits, also those that cause others. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
