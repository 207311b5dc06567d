import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";

/** How many jobs wait and run; opens the panel. */
export function QueueIndicator() {
  const { jobs } = usePage();
  const isOpen = jobs.isPanelOpen.value;
  const { waiting, running } = jobs.counts.value;
  const isPaused = jobs.queue.value?.paused === true;
  return (
    <button
      type="button"
      class={`queue-indicator ${running > 0 ? "busy" : ""} ${isPaused ? "paused" : ""}`}
      aria-expanded={isOpen}
      aria-controls="jobs-panel"
      aria-keyshortcuts="Alt+J"
      title={`Jobs${isPaused ? ", the queue is paused" : ""} (Alt+J)`}
      onClick={() => {
        jobs.isPanelOpen.value = !jobs.isPanelOpen.peek();
      }}
    >
      {running > 0 ? <span class="spinner small" aria-hidden="true" /> : <Icon name={isPaused ? "pause" : "jobs"} />}
      <span class="hidden">Jobs: </span>
      <span class="wide-only">
        <b>{waiting}</b> waiting{" "}
      </span>
      <span class="wide-only">
        <b>{running}</b> running
      </span>
      <span class="phone-only">
        <b>{waiting + running}</b>
      </span>
    </button>
  );
}
