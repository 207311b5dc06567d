import type { Clock } from "../clock.ts";
import { deferred } from "./deferred.ts";

/** Resolves after `delayMs`, or as soon as `signal` aborts. */
export async function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = deferred<void>();
  const wake = () => resolve();
  const cancel = clock.after(delayMs, wake);
  signal.addEventListener("abort", wake);
  await promise;
  cancel();
  signal.removeEventListener("abort", wake);
}
