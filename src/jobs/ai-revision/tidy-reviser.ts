import { type Cancel, type Clock, every } from "../../clock.ts";
import { JobError } from "../handler.ts";
import type { ReviseOptions, Reviser } from "./reviser.ts";
import type { TidyAnswer } from "./tidy-thread.ts";

/** Some texts make a Markdown parser take time that grows with the square of their length. */
const timeoutMs = 30_000;
/** And some make it take thousands of times their length in memory. */
const watchMs = 100;
/** A thread that has nothing to do gives its memory back after so long. */
const idleMs = 60_000;

/** The binary holds the thread's code under its path in the source tree; `bun build` is given it as an entry point. */
const threadUrl = new URL(
  Bun.isStandaloneExecutable ? "./src/jobs/ai-revision/tidy-thread.js" : "./tidy-thread.ts",
  import.meta.url,
);

/** What the process may still take: of the machine, or of what its container is given. */
function freeMemoryBytes(): number {
  return Math.min(process.availableMemory(), process.constrainedMemory() - process.memoryUsage.rss());
}

/** Tidies Markdown without any model, in a thread: a long text must not hold up the server's streams. */
export class TidyReviser implements Reviser {
  readonly model = "builtin-tidy";
  #thread: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #cancelIdle: Cancel = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly freeBytes: () => number = freeMemoryBytes,
  ) {}

  async revise(text: string, { signal, progress }: ReviseOptions): Promise<string> {
    progress(10, "tidying");
    const tidied = this.#turn.then(() => this.#tidy(text, signal));
    this.#turn = tidied.catch(() => {});
    const revised = await tidied;
    progress(90, "tidied");
    return revised;
  }

  async stop(): Promise<void> {
    this.#end();
  }

  #tidy(text: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    this.#cancelIdle();
    this.#thread ??= new Worker(threadUrl);
    const thread = this.#thread;
    thread.unref();
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        settle();
        this.#end();
        reject(error);
      };
      const abort = () => fail(signal.reason);
      const cancelTimeout = this.clock.after(timeoutMs, () => fail(tooComplex(`it took more than ${timeoutMs / 1000} s`)));
      const leastFree = this.freeBytes() / 2;
      const cancelWatch = every(this.clock, watchMs, () => {
        if (this.freeBytes() < leastFree) fail(tooComplex("it took half of the memory that was free"));
      });
      const settle = () => {
        cancelTimeout();
        cancelWatch();
        signal.removeEventListener("abort", abort);
      };
      signal.addEventListener("abort", abort, { once: true });
      thread.onerror = (event) => fail(new Error(`the tidying thread failed: ${event.message}`));
      thread.onmessage = ({ data }: MessageEvent<TidyAnswer>) => {
        if ("problem" in data) return fail(tooComplex(data.problem));
        settle();
        this.#cancelIdle = this.clock.after(idleMs, () => this.#end());
        resolve(data.tidied);
      };
      thread.postMessage(text);
    });
  }

  #end(): void {
    this.#cancelIdle();
    this.#thread?.terminate();
    this.#thread = undefined;
  }
}

function tooComplex(problem: string): JobError {
  const error = `The built-in reviser cannot tidy this text: ${problem}.`;
  return new JobError({ errorCode: "revision_too_complex", error, retry: false });
}
