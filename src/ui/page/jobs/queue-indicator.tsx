import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";

/** How many jobs wait and run; opens the panel. */
export function QueueIndicator() {
  const { jobs } = usePage();
  const queue = jobs.queue.value;
  const isOpen = jobs.isPanelOpen.value;
  const { waiting, running } = jobs.counts.value;
  const paused = queue?.paused === true;
  const words = queue ? `${waiting} waiting, ${running} running${paused ? ", paused" : ""}` : "not known yet";
  return (
    <button
      type="button"
      class={`queue-indicator ${running > 0 ? "busy" : ""} ${paused ? "paused" : ""}`}
      aria-expanded={isOpen}
      aria-controls="jobs-panel"
      aria-label={`Jobs: ${words}`}
      aria-keyshortcuts="Alt+J"
      title={`Jobs: ${words} (Alt+J)`}
      onClick={() => {
        jobs.isPanelOpen.value = !isOpen;
      }}
    >
      {running > 0 ? <span class="spinner small" aria-hidden="true" /> : <Icon name={paused ? "pause" : "jobs"} />}
      <span class="wide-only">
        <b>{waiting}</b> waiting
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
