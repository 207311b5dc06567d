import { type Cancel, type Clock, systemClock } from "../../src/clock.ts";

/** The real time, but faster: what takes minutes between two retries takes seconds in a test. */
export class HurriedClock implements Clock {
  readonly #startMs = systemClock.now();

  constructor(private readonly factor: number) {}

  now(): number {
    return this.#startMs + (systemClock.now() - this.#startMs) * this.factor;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() * this.factor;
  }

  after(delayMs: number, task: () => void): Cancel {
    return systemClock.after(delayMs / this.factor, task);
  }
}
