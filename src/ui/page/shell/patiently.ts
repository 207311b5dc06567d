import { isFinal } from "../../../client/errors.ts";
import { wait } from "../../../client/wait.ts";
import { systemClock } from "../../../clock.ts";

const pausesMs = [200, 800, 2000];

/** Asks again, a few times, when the server cannot be reached or is busy. Rejects with the last error. */
export async function patiently<T>(ask: () => Promise<T>, signal = new AbortController().signal): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      await wait(systemClock, pauseMs, signal);
    }
  }
  return await ask();
}
