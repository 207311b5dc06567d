/** Stops what was scheduled; calling it twice, or after the run, does nothing. */
export type Cancel = () => void;

/** Time, injected, so that tests can move it. */
export interface Clock {
  /** Wall clock in milliseconds since 1970; it can jump in both directions. For what is stored or shown. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go back. For durations and deadlines. */
  monotonicMs(): number;
  /** Runs `task` once, `delayMs` from now. */
  after(delayMs: number, task: () => void): Cancel;
}

// Node and Bun run a timer at once when its delay does not fit 31 bits.
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, delayMs), longestTimerMs));
    return () => clearTimeout(timer);
  },
};

/** Runs `task` every `periodMs` until cancelled; the next period starts when the task has returned. */
export function every(clock: Clock, periodMs: number, task: () => void): Cancel {
  let stopped = false;
  let cancel: Cancel = () => {};
  const arm = () => {
    cancel = clock.after(periodMs, () => {
      task();
      if (!stopped) arm();
    });
  };
  arm();
  return () => {
    stopped = true;
    cancel();
  };
}

/** Resolves when `work` has ended, in whatever way, and after `timeoutMs` at the latest. */
export async function waitAtMost(clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(timeoutMs, resolve);
  const end = () => resolve();
  work.then(end, end);
  await ended;
  cancel();
}

let last = { ms: 0, text: "1970-01-01T00:00:00.000Z" };

/** RFC 3339 in UTC with milliseconds: the one form of a time on every wire. */
export function timestamp(ms: number): string {
  // Events come in bursts, and formatting costs more than the rest of an envelope.
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}
