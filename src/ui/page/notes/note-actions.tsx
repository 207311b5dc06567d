import { useLayoutEffect } from "preact/hooks";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { hrefOf } from "../shell/route.ts";
import { useAct } from "../shell/use-act.ts";
import type { OpenNote } from "./open-note.ts";
import { ReviseButton } from "./revise-button.tsx";

/** What can be done with the open note. */
export function NoteActions({ note }: { note: OpenNote }) {
  const { desk } = usePage();
  const isDirty = note.isDirty.value;
  // Before it is seen: no key is too early.
  useLayoutEffect(() => {
    const save = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void desk.save(note);
    };
    const ask = (event: BeforeUnloadEvent) => {
      if (note.isDirty.peek()) event.preventDefault();
    };
    addEventListener("keydown", save);
    addEventListener("beforeunload", ask);
    return () => {
      removeEventListener("keydown", save);
      removeEventListener("beforeunload", ask);
    };
  }, [note]);
  const deleteNote = useAct(() => desk.remove({ id: note.id, title: note.base.value?.title ?? "" }));
  return (
    <div class="actions">
      {isDirty && (
        <button type="button" class="plain" onClick={() => note.discard()}>
          Discard
        </button>
      )}
      <button
        type="button"
        class={isDirty ? "primary" : "saved"}
        disabled={!isDirty || note.isSaving.value}
        onClick={() => desk.save(note)}
        aria-keyshortcuts="Control+S"
        title="Save (Ctrl+S)"
      >
        <Icon name="check" />
        <span>{note.isSaving.value ? "Saving…" : isDirty ? "Save" : "Saved"}</span>
      </button>
      <ReviseButton note={note} />
      <a class="button square" href={hrefOf({ view: "history", noteId: note.id })} aria-label="Versions" title="Versions">
        <Icon name="history" />
      </a>
      <button type="button" class="square" aria-label="Delete note" title="Delete note" onClick={deleteNote}>
        <Icon name="bin" />
      </button>
    </div>
  );
}
