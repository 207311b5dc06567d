import { signal } from "@preact/signals";
import { JobStrip } from "../jobs/job-strip.tsx";
import { lazyView } from "../shell/lazy-view.tsx";
import type { OpenNote } from "./open-note.ts";

const modes = ["write", "split", "read"] as const;
type Mode = (typeof modes)[number];

const labels: Record<Mode, string> = { write: "Write", split: "Both", read: "Read" };
const key = "matric:mode";
const roomy = matchMedia("(min-width: 1000px)");
const isRoomy = signal(roomy.matches);
roomy.addEventListener("change", () => {
  isRoomy.value = roomy.matches;
});
const mode = signal<Mode>(modes.find((one) => one === localStorage.getItem(key)) ?? "split");

const Editor = lazyView(() => import("./editor.tsx").then((module) => module.Editor));
const Preview = lazyView(() => import("./preview.tsx").then((module) => module.Preview));

/** The note's text: as Markdown to write, as it reads, or both. */
export function WritingArea({ note }: { note: OpenNote }) {
  // There is no room for both on a phone.
  const shown = mode.value === "split" && !isRoomy.value ? "read" : mode.value;
  const choose = (one: Mode) => {
    mode.value = one;
    localStorage.setItem(key, one);
  };
  return (
    <>
      <div class="note-tools">
        <fieldset class="modes">
          <legend class="hidden">Show the note to</legend>
          {modes.map((one) => (
            <label key={one} class={one === "split" ? "roomy-only" : ""}>
              <input type="radio" name="mode" checked={shown === one} onChange={() => choose(one)} />
              <span>{labels[one]}</span>
            </label>
          ))}
        </fieldset>
        <JobStrip noteId={note.id} />
      </div>
      <div class={`writing ${shown}`}>
        {shown !== "read" && <Editor note={note} />}
        {shown !== "write" && <Preview note={note} />}
      </div>
    </>
  );
}
