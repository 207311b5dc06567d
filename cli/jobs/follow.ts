import { waitForJob } from "../../src/client/job-watch.ts";
import type { Job } from "../../src/jobs/contract.ts";
import { ConnectionRemarks } from "../connection-remarks.ts";
import type { Context } from "../context.ts";
import { Failure } from "../failure.ts";
import { ProgressBar } from "../progress.ts";

/** Shows a progress bar until the job has ended, and resolves to how it ended. */
export async function followJob(id: string, context: Context): Promise<Job> {
  const { client, io, signal } = context;
  const bar = new ProgressBar(io.stderr);
  const connection = new ConnectionRemarks(context);
  try {
    return await waitForJob(client, id, {
      signal,
      onProgress: ({ status, progress, message }) => void bar.show(progress / 100, message ?? status).catch(() => {}),
      onState: (state) =>
        void bar.clear().then(
          () => connection.tell(state),
          () => {},
        ),
    });
  } finally {
    await bar.clear().catch(() => {});
  }
}

/** Throws the `Failure` that a job's end means, if it is not `completed`. */
export function assertCompleted({ id, status, error, error_code }: Job): void {
  if (status === "completed") return;
  if (status === "cancelled") throw new Failure("job_cancelled", `Job ${id} was cancelled.`);
  throw new Failure(error_code ?? "job_failed", `Job ${id} failed: ${error ?? "no reason was given"}`);
}
