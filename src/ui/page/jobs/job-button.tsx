import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { useAct } from "../shell/use-act.ts";
import { isActive, type JobView } from "./job-view.ts";

/** Cancel what waits or runs; retry what failed or was cancelled. */
export function JobButtons({ job }: { job: JobView }) {
  const { client, jobs, jobToasts, toasts } = usePage();
  const cancel = useAct(async () => {
    try {
      await client.jobs.cancel(job.id);
    } catch (error) {
      toasts.problem("The job could not be cancelled", error);
    }
  });
  const retry = useAct(async () => {
    try {
      jobToasts.follow(job.id);
      jobs.put(await client.jobs.retry(job.id));
    } catch (error) {
      toasts.problem("The job could not be retried", error);
    }
  });
  if (job.status === "completed") return null;
  return isActive(job) ? (
    <button type="button" class="quiet" onClick={cancel}>
      <Icon name="close" />
      <span>Cancel</span>
    </button>
  ) : (
    <button type="button" class="quiet" onClick={retry}>
      <Icon name="retry" />
      <span>Retry</span>
    </button>
  );
}
