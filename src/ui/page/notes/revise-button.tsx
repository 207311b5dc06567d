import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isActive } from "../jobs/job-view.ts";
import { usePage } from "../page.ts";
import { Dialog } from "../shell/dialog.tsx";
import { Icon } from "../shell/icon.tsx";
import { useAct } from "../shell/use-act.ts";
import type { OpenNote } from "./open-note.ts";

/** "Revise with AI": says what will do it, takes instructions, and queues the job. */
export function ReviseButton({ note }: { note: OpenNote }) {
  const { jobs } = usePage();
  const [isAsking, setAsking] = useState(false);
  const job = jobs.newestByNote.value.get(note.id);
  const isWorking = job !== undefined && isActive(job);
  // Before it is seen: no key is too early.
  useLayoutEffect(() => {
    const ask = (event: KeyboardEvent) => {
      if (!event.altKey || event.code !== "KeyR") return;
      event.preventDefault();
      setAsking(true);
    };
    addEventListener("keydown", ask);
    return () => removeEventListener("keydown", ask);
  }, []);
  return (
    <>
      <button
        type="button"
        class="accent"
        disabled={isWorking}
        onClick={() => setAsking(true)}
        aria-keyshortcuts="Alt+R"
        title={isWorking ? "This note is being revised" : "Revise with AI (Alt+R)"}
      >
        <Icon name="spark" />
        <span>Revise with AI</span>
      </button>
      {isAsking && <ReviseDialog note={note} onClose={() => setAsking(false)} />}
    </>
  );
}

function ReviseDialog({ note, onClose }: { note: OpenNote; onClose: () => void }) {
  const { desk, jobToasts } = usePage();
  const words = useRef<HTMLTextAreaElement>(null);
  const hint = useId();
  const revise = useAct(async () => {
    onClose();
    const job = await desk.revise(note, words.current?.value ?? "");
    if (job) jobToasts.follow(job.id);
  });
  return (
    <Dialog title="Revise with AI" onClose={onClose}>
      <Reviser />
      <label>
        Instructions <span class="muted">(optional)</span>
        <textarea
          ref={words}
          rows={3}
          maxLength={4000}
          placeholder="Shorter, and friendlier…"
          aria-describedby={hint}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void revise(event);
          }}
        />
      </label>
      <p class="muted" id={hint}>
        You can go on writing: what you change meanwhile is never overwritten.
      </p>
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="accent" onClick={revise}>
          <Icon name="spark" />
          <span>{note.isDirty.value ? "Save and revise" : "Revise"}</span>
        </button>
      </div>
    </Dialog>
  );
}

function Reviser() {
  const reviser = usePage().server.health.value?.reviser;
  if (!reviser) return <p class="reviser" />;
  if (reviser.kind === "model") {
    return (
      <p class="reviser">
        The model <strong>{reviser.model}</strong> will revise this note.
      </p>
    );
  }
  return (
    <p class="reviser">
      No model is set up. The <strong>built-in reviser</strong> will tidy the Markdown: lists, headings, blanks. It does not
      understand the text, and follows no instructions.
    </p>
  );
}
