import { fdatasyncSync, openSync } from "node:fs";

// An entry point of its own: waits for the disk in a thread that nothing else uses. It imports nothing that must be loaded: Bun
// loads modules in the common threads, and this one is there for when all of them are stuck.

export interface SyncRequest {
  id: number;
  path: string;
}

/** What the thread answers: nothing, or why the disk may not hold what was written. */
export interface SyncAnswer {
  id: number;
  problem?: { code: string | undefined; message: string };
}

declare const self: Worker;

let fd: number | undefined;

self.onmessage = ({ data: { id, path } }: MessageEvent<SyncRequest>) => {
  const answer: SyncAnswer = { id };
  try {
    // Opened here: the system tells each opener of its own that a write has failed.
    fd ??= openSync(path, "r+");
    fdatasyncSync(fd);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    answer.problem = { code, message: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(answer);
};
