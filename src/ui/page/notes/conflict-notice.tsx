import { usePage } from "../page.ts";
import { lazyView } from "../shell/lazy-view.tsx";
import type { Newer } from "./newer.ts";
import type { OpenNote } from "./open-note.ts";

const ConflictDialog = lazyView(() => import("./conflict-dialog.tsx").then((module) => module.ConflictDialog));

const writers = {
  ai_revision: "AI revision",
  agent: "An agent",
  restore: "Somebody restored an earlier version, and",
  user: "Somebody else",
};

/** Both the person and somebody else have changed the note. Nothing happens to either text until the person has chosen. */
export function ConflictNotice({ note, newer }: { note: OpenNote; newer: Newer }) {
  const { desk } = usePage();
  const by = newer.cause ? writers[newer.cause.source] : "Somebody else";
  return (
    <div class="notice conflict" role="alert">
      <p>
        <strong>{by} changed this note while you were writing.</strong> Your text is untouched and not saved yet.
      </p>
      <button
        type="button"
        class="primary"
        onClick={() => {
          desk.isChoosing.value = true;
        }}
      >
        Compare and choose
      </button>
      {desk.isChoosing.value && <ConflictDialog key={newer.note.version} note={note} newer={newer} />}
    </div>
  );
}
