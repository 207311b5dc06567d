import { useEffect, useRef } from "preact/hooks";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { nowMs } from "../shell/now.ts";
import { hrefOf } from "../shell/route.ts";
import { ago } from "../shell/time.ts";
import { useAct } from "../shell/use-act.ts";
import { JobButton } from "./job-button.tsx";
import { JobProgress } from "./job-progress.tsx";
import { isActive, type JobView } from "./job-view.ts";

/** Of a long queue only its head is listed. */
const waitingShown = 50;

/** All that waits, runs and ended lately, beside whatever else is shown. */
export function JobsPanel() {
  const { jobs } = usePage();
  const panel = useRef<HTMLElement>(null);
  const isOpen = jobs.isPanelOpen.value;
  // After a dialog that goes at the same time has given the focus back.
  useEffect(() => {
    if (isOpen) panel.current?.focus();
  }, [isOpen]);
  if (!isOpen) return null;
  const close = () => {
    jobs.isPanelOpen.value = false;
    document.querySelector<HTMLElement>(".queue-indicator")?.focus();
  };
  const active = [...jobs.running.value, ...jobs.waiting.value.slice(0, waitingShown)];
  const problem = jobs.problem.value;
  const more = jobs.waiting.value.length - waitingShown;
  return (
    <aside
      id="jobs-panel"
      class="jobs-panel"
      aria-label="Jobs"
      ref={panel}
      tabIndex={-1}
      onKeyDown={({ key }) => {
        if (key === "Escape") close();
      }}
    >
      <header class="panel-head">
        <h2>Jobs</h2>
        <QueueSwitch />
        <button type="button" class="plain square" aria-label="Close the jobs panel" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {jobs.queue.value?.paused && <p class="notice slim">The queue is paused. What runs goes on; nothing new begins.</p>}
      {problem !== undefined && (
        <p class="muted" role="status">
          The jobs could not be loaded. {problem}
          <button type="button" class="plain" onClick={() => jobs.refresh()}>
            Try again
          </button>
        </p>
      )}
      {(problem === undefined || jobs.jobs.value.size > 0) && (
        <>
          <JobSection title="Now" jobs={active} empty="Nothing waits or runs." />
          {more > 0 && <p class="muted more">and {more} more in line</p>}
          <JobSection title="Lately" jobs={jobs.recent.value} empty="Nothing has ended yet." />
        </>
      )}
    </aside>
  );
}

function QueueSwitch() {
  const { jobs, toasts } = usePage();
  const isPaused = jobs.queue.value?.paused === true;
  const toggle = useAct(async () => {
    try {
      await jobs.setPaused(!isPaused);
    } catch (error) {
      toasts.problem(`The queue could not be ${isPaused ? "resumed" : "paused"}`, error);
    }
  });
  return (
    <button type="button" class="quiet" onClick={toggle} disabled={!jobs.queue.value}>
      <Icon name={isPaused ? "play" : "pause"} />
      <span>{isPaused ? "Resume" : "Pause"}</span>
    </button>
  );
}

function JobSection({ title, jobs, empty }: { title: string; jobs: readonly JobView[]; empty: string }) {
  return (
    <section class="job-section">
      <h3>{title}</h3>
      {jobs.length === 0 ? (
        <p class="muted">{empty}</p>
      ) : (
        <ul>
          {jobs.map((job) => (
            <JobItem key={job.id} job={job} />
          ))}
        </ul>
      )}
    </section>
  );
}

function JobItem({ job }: { job: JobView }) {
  const { jobs, titles } = usePage();
  const title = job.noteId === undefined ? job.type : titles.of(job.noteId);
  return (
    <li class={`job-card ${job.status}`}>
      <div class="job-main">
        <div class="job-head">
          {job.noteId === undefined ? (
            <span class="job-title cut">{title}</span>
          ) : (
            <a class="job-title cut" href={hrefOf({ view: "notes", noteId: job.noteId })}>
              {title}
            </a>
          )}
          {!isActive(job) && job.finishedAt && <time dateTime={job.finishedAt}>{ago(job.finishedAt, nowMs.value)}</time>}
        </div>
        <JobProgress job={job} place={jobs.places.value.get(job.id)} label={`Progress: ${title}`} />
      </div>
      <JobButton job={job} />
    </li>
  );
}
