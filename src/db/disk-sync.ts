import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs";
import type { SyncAnswer, SyncRequest } from "./sync-thread.ts";

type Done = (error: Error | null) => void;

/** Waits until the disk holds everything that was committed so far. */
export interface DiskSync {
  /** `done` may hear of an error even after it heard that all went well. */
  start(done: Done): void;
  now(): void;
}

/** `bun build` is given it as an entry point. */
const threadUrl = new URL(Bun.isStandaloneExecutable ? "./src/db/sync-thread.js" : "./sync-thread.ts", import.meta.url);
/** By then a common thread has come to it, unless something keeps them all. */
const stalledMs = 100;

/**
 * Syncs one file in the threads that everything shares. When these are stuck, in look-ups of names that no DNS server answers for
 * example, in a thread of its own: nobody's commit waits for somebody else's network.
 */
export class FileSync implements DiskSync {
  readonly #fd: number;
  /** Syncs that the common threads have not come to. */
  #stalled = 0;
  #thread: Worker | undefined;
  #asked = 0;
  readonly #asking = new Map<number, Done>();
  #isClosed = false;

  constructor(private readonly path: string) {
    this.#fd = openSync(path, "r+");
  }

  start(done: Done): void {
    if (this.#stalled > 0) this.#askThread(done);
    else this.#askBoth(done);
  }

  now(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    this.#isClosed = true;
    this.#thread?.terminate();
    closeSync(this.#fd);
  }

  #askBoth(done: Done): void {
    let heard: "nothing" | "success" | "error" = "nothing";
    const hear: Done = (error) => {
      if (this.#isClosed || heard === "error" || (heard === "success" && !error)) return;
      heard = error ? "error" : "success";
      done(error);
    };
    let isStalled = false;
    const timer = setTimeout(() => {
      isStalled = true;
      this.#stalled++;
      this.#askThread(hear);
    }, stalledMs);
    fdatasync(this.#fd, (error) => {
      clearTimeout(timer);
      if (isStalled) this.#stalled--;
      hear(error);
    });
  }

  #askThread(done: Done): void {
    const id = this.#asked++;
    this.#asking.set(id, done);
    this.#thread ??= this.#startThread();
    this.#thread.postMessage({ id, path: this.path } satisfies SyncRequest);
  }

  #startThread(): Worker {
    const thread = new Worker(threadUrl);
    thread.unref();
    thread.onmessage = ({ data: { id, problem } }: MessageEvent<SyncAnswer>) => {
      this.#hear(id, problem ? Object.assign(new Error(problem.message), { code: problem.code }) : null);
    };
    thread.onerror = ({ message }) => {
      this.#thread = undefined;
      for (const id of this.#asking.keys()) this.#hear(id, new Error(`the syncing thread failed: ${message}`));
    };
    return thread;
  }

  #hear(id: number, error: Error | null): void {
    const done = this.#asking.get(id);
    this.#asking.delete(id);
    done?.(error);
  }
}
