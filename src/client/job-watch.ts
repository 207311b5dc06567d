import { systemClock } from "../clock.ts";
import type { Job } from "../jobs/contract.ts";
import { Backoff } from "./backoff.ts";
import type { Client } from "./client.ts";
import { isFinal } from "./errors.ts";
import type { StreamState } from "./stream.ts";
import type { ReceivedEvent } from "./stream-item.ts";
import { wait } from "./wait.ts";

export interface JobProgress {
  status: Job["status"];
  /** Per cent. */
  progress: number;
  message: string | null;
}

export interface JobWatchOptions {
  onProgress?: (progress: JobProgress) => void;
  onState?: (state: StreamState) => void;
  signal: AbortSignal;
}

/**
 * Follows a job until it has ended, over restarts of the server, and resolves to how it ended. Rejects with the signal's reason
 * when aborted, with `not_found` when there is no such job.
 */
export async function waitForJob(
  client: Client,
  id: string,
  { signal, onState, onProgress = () => {} }: JobWatchOptions,
): Promise<Job> {
  const stream = client.stream({ filter: { jobIds: [id] }, signal, failFast: true, ...(onState ? { onState } : {}) });
  for await (const item of stream) {
    if (item.kind === "snapshot") continue;
    const progress = item.kind === "event" ? progressOf(item) : undefined;
    if (progress) onProgress(progress);
    if (item.kind === "event" && !isEnd(item)) continue;
    // At every connection and after every gap the job may have ended before anybody listened.
    const job = await getPatiently(client, id, signal);
    if (job.finished_at !== null) return job;
    onProgress(job);
  }
  throw signal.reason;
}

/** Asks until the server answers: it may be restarting just now. */
async function getPatiently(client: Client, id: string, signal: AbortSignal): Promise<Job> {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await client.jobs.get(id, signal);
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      await wait(systemClock, backoff.nextMs(), signal);
    }
  }
}

function isEnd({ name }: ReceivedEvent): boolean {
  return name === "JobCompleted" || name === "JobFailed" || name === "JobCancelled";
}

function progressOf(event: ReceivedEvent): JobProgress | undefined {
  const running = event.dataOf("JobProgress");
  if (running) return { status: "running", progress: running.progress, message: running.message ?? null };
  if (event.dataOf("JobStarted")) return { status: "running", progress: 0, message: null };
  const retrying = event.dataOf("JobRetrying");
  if (retrying)
    return {
      status: "queued",
      progress: 0,
      message: `attempt ${retrying.attempt} failed (${retrying.error_code}), trying again`,
    };
  return undefined;
}
