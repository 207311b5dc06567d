import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { hrefOf } from "../shell/route.ts";
import { useAct } from "../shell/use-act.ts";
import { ConflictNotice } from "./conflict-notice.tsx";
import { NoNote } from "./no-note.tsx";
import { NoteActions } from "./note-actions.tsx";
import type { OpenNote } from "./open-note.ts";
import { TagField } from "./tag-field.tsx";
import { WritingArea } from "./writing-area.tsx";

/** The open note. */
export function NotePane() {
  const { desk } = usePage();
  const note = desk.open.value;
  if (!note) return <NoNote />;
  return (
    <section class="note-pane" aria-label="Note" key={note.id}>
      <NoteBody note={note} />
    </section>
  );
}

function NoteBody({ note }: { note: OpenNote }) {
  const { desk } = usePage();
  const restore = useAct(() => desk.restore(note.id));
  useEffect(() => note.content.subscribe(() => keepSoon(note)), [note]);
  useEffect(() => note.title.subscribe(() => keepSoon(note)), [note]);
  useEffect(() => note.tags.subscribe(() => keepSoon(note)), [note]);
  const state = note.state.value;
  if (state === "loading") return <div class="note-loading" aria-busy="true" />;
  if (state === "failed") {
    return (
      <Instead text="The note could not be loaded.">
        <button type="button" onClick={() => note.load()}>
          Try again
        </button>
      </Instead>
    );
  }
  if (state === "missing") {
    return (
      <Instead text="There is no such note. It may have been deleted.">
        <button type="button" onClick={restore}>
          Restore it
        </button>
      </Instead>
    );
  }
  return (
    <>
      <header class="note-head">
        <a class="phone-only back" href={hrefOf({ view: "notes" })} aria-label="Back to the notes">
          <Icon name="back" />
        </a>
        <TitleField note={note} />
        <NoteActions note={note} />
      </header>
      <TagField note={note} />
      {state === "deleted" && (
        <div class="notice" role="alert">
          <p>This note was deleted.</p>
          <button type="button" onClick={restore}>
            Restore it
          </button>
        </div>
      )}
      {note.newer.value && <ConflictNotice note={note} newer={note.newer.value} />}
      {note.isBehind.value && (
        <p class="quiet-notice" role="status">
          Could not refresh this note.
          <button type="button" class="plain" onClick={() => note.recheck()}>
            Try again
          </button>
        </p>
      )}
      <WritingArea note={note} />
    </>
  );
}

function Instead({ text, children }: { text: string; children: preact.ComponentChildren }) {
  return (
    <div class="blank">
      <p>{text}</p>
      {children}
    </div>
  );
}

function TitleField({ note }: { note: OpenNote }) {
  const { desk } = usePage();
  const field = useRef<HTMLInputElement>(null);
  // Before it is seen: whoever types at once types over the whole title.
  useLayoutEffect(() => {
    if (desk.created.value !== note.id) return;
    desk.created.value = undefined;
    field.current?.select();
  }, [note]);
  return (
    <input
      ref={field}
      class="title-field"
      aria-label="Title"
      maxLength={500}
      value={note.title.value}
      onInput={({ currentTarget: { value } }) => {
        note.title.value = value;
      }}
    />
  );
}

const keepDelayMs = 400;
const keeping = new WeakMap<OpenNote, number>();

/** An unsaved text survives a reload, without being stored at every letter. */
function keepSoon(note: OpenNote): void {
  clearTimeout(keeping.get(note));
  keeping.set(note, Number(setTimeout(() => note.keepDraft(), keepDelayMs)));
}
