import { type ErrorCode, MatricError } from "../errors.ts";
import { backUp } from "./backup.ts";

// An entry point of its own: copies one database in a thread, so that the server goes on meanwhile.

/** What the thread answers: nothing, or why there is no copy. */
export type BackupAnswer = { problem?: { code: ErrorCode; message: string } };

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<{ dataDir: string; target: string }>) => {
  const answer: BackupAnswer = {};
  try {
    backUp(data.dataDir, data.target);
  } catch (error) {
    const known = error instanceof MatricError;
    answer.problem = known ? { code: error.code, message: error.message } : { code: "internal", message: String(error) };
  }
  self.postMessage(answer);
};
