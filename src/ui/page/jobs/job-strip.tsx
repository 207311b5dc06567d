import { useEffect, useState } from "preact/hooks";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { JobButton } from "./job-button.tsx";
import { JobProgress } from "./job-progress.tsx";
import { isActive, type JobView } from "./job-view.ts";

/** How long the end of a job stays on its note; a failure stays until it is closed. */
const endShownMs = 4000;
/** What failed longer ago than this is history. */
const failureShownMs = 15 * 60_000;

/** The newest job about the open note, from being queued to its end. */
export function JobStrip({ noteId }: { noteId: string }) {
  const { jobs } = usePage();
  const job = jobs.newestByNote.value.get(noteId);
  const [dismissed, dismiss] = useState("");
  const isEnded = job !== undefined && !isActive(job);
  const mark = job ? `${job.id} ${job.finishedAt}` : "";
  useEffect(() => {
    if (!isEnded || job.status === "failed") return;
    const timer = setTimeout(() => dismiss(mark), endShownMs);
    return () => clearTimeout(timer);
  }, [isEnded, mark]);
  const isShown = job !== undefined && mark !== dismissed && (!isEnded || isRecent(job));
  return (
    <div class={`job-strip ${isShown ? "shown" : ""}`} aria-live="polite">
      {isShown && (
        <div class={`job-card ${job.status}`}>
          <JobProgress job={job} place={jobs.places.value.get(job.id)} label="Progress of the revision" />
          <div class="job-actions">
            <JobButton key={job.id} job={job} />
            {isEnded && (
              <button type="button" class="plain square" aria-label="Close" onClick={() => dismiss(mark)}>
                <Icon name="close" />
              </button>
            )}
          </div>
        </div>
      )}
    </div>
  );
}

function isRecent({ status, finishedAt }: JobView): boolean {
  const agoMs = Date.now() - Date.parse(finishedAt ?? "");
  return agoMs < (status === "failed" ? failureShownMs : endShownMs);
}
