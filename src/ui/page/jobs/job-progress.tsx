import { Icon, type IconName } from "../shell/icon.tsx";
import { useTicking } from "../shell/now.ts";
import { duration, stopwatch } from "../shell/time.ts";
import type { JobView } from "./job-view.ts";

const icons: Partial<Record<JobView["status"], IconName>> = { completed: "check", failed: "warning", cancelled: "close" };

/** Place in the queue, or how far the job is and for how long it has been running, or how it ended. */
export function JobProgress({ job, place, label }: { job: JobView; place: number | undefined; label: string }) {
  const isRunning = job.status === "running";
  useTicking(250, isRunning || job.retryAt !== undefined);
  const icon = icons[job.status];
  const percent = Math.round(job.progress);
  return (
    <div class={`job-progress ${job.status}`}>
      <div class="job-words">
        {isRunning && <span class="spinner" aria-hidden="true" />}
        {icon && <Icon name={icon} />}
        <span class="job-state">{stateOf(job, place)}</span>
        {isRunning && job.message && <span class="job-message cut">{job.message}</span>}
        {isRunning && (
          <span class="job-time">
            {percent} % · {stopwatch(job.elapsedMs + performance.now() - job.elapsedAtMs)}
          </span>
        )}
      </div>
      {(isRunning || job.status === "queued") && (
        <div
          class="track"
          role="progressbar"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={100}
          {...(isRunning ? { "aria-valuenow": percent } : {})}
        >
          <div class="fill" style={{ transform: `scaleX(${isRunning ? Math.max(0.01, job.progress / 100) : 0})` }} />
        </div>
      )}
      {job.status === "failed" && job.error && <p class="job-error">{job.error}</p>}
    </div>
  );
}

function stateOf(job: JobView, place: number | undefined): string {
  switch (job.status) {
    case "queued":
      if (job.retryAt !== undefined) return retryWords(job, job.retryAt);
      if (place === undefined) return "Queued";
      return place === 1 ? "Queued, next in line" : `Queued, place ${place} in line`;
    case "running":
      return job.attempt > 1 ? `Processing, attempt ${job.attempt}` : "Processing…";
    case "completed":
      return job.durationMs === undefined ? "Done" : `Done in ${duration(job.durationMs)}`;
    case "failed":
      return "Failed";
    case "cancelled":
      return "Cancelled";
  }
}

function retryWords({ attempt, error }: JobView, retryAt: string): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(retryAt) - Date.now()) / 1000));
  return `Attempt ${attempt} failed${error ? ` (${error})` : ""}, trying again ${seconds > 0 ? `in ${seconds} s` : "now"}`;
}
