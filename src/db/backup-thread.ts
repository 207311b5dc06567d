import { MatricError } from "../errors.ts";
import { backUp } from "./backup.ts";

// An entry point of its own: copies one database in a thread, so that the server goes on meanwhile.

/** What the thread answers: nothing, or why there is no copy. */
export type BackupAnswer = { problem?: string };

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<{ dataDir: string; target: string }>) => {
  const answer: BackupAnswer = {};
  try {
    backUp(data.dataDir, data.target);
  } catch (error) {
    answer.problem = error instanceof MatricError ? error.message : String(error);
  }
  self.postMessage(answer);
};
