import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { useAct } from "../shell/use-act.ts";
import { isActive, type JobView } from "./job-view.ts";

/** Cancel what waits or runs; retry what failed or was cancelled. */
export function JobButton({ job }: { job: JobView }) {
  const { client, jobs, jobToasts, toasts } = usePage();
  const cancel = async () => {
    try {
      await client.jobs.cancel(job.id);
    } catch (error) {
      toasts.problem("The job could not be cancelled", error);
    }
  };
  const retry = async () => {
    try {
      jobToasts.follow(job.id);
      jobs.put(await client.jobs.retry(job.id));
    } catch (error) {
      toasts.problem("The job could not be retried", error);
    }
  };
  const act = useAct(isActive(job) ? cancel : retry);
  if (job.status === "completed") return null;
  return (
    <button type="button" class="quiet" onClick={act}>
      <Icon name={isActive(job) ? "close" : "retry"} />
      <span>{isActive(job) ? "Cancel" : "Retry"}</span>
    </button>
  );
}
