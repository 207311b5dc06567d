import { useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { isActive } from "../jobs/job-view.ts";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { nowMs } from "../shell/now.ts";
import { hrefOf, route } from "../shell/route.ts";
import { ago } from "../shell/time.ts";
import { useAct } from "../shell/use-act.ts";
import { VirtualList } from "../shell/virtual-list.tsx";
import type { Row } from "./row.ts";

const rowHeightPx = 84;
/** Typing does not ask the server at every letter. */
const searchDelayMs = 150;

export function NoteListPane() {
  const { list, desk } = usePage();
  const create = useAct(() => desk.create());
  return (
    <section class="list-pane" aria-label="Notes">
      <div class="list-head">
        <SearchField />
        <button type="button" class="primary" onClick={create} aria-keyshortcuts="Alt+N" title="New note (Alt+N)">
          <Icon name="add" />
          <span>New</span>
        </button>
      </div>
      {list.tag.value !== undefined && (
        <p class="filter-line">
          Tagged <strong>{list.tag.value}</strong>
          <button type="button" class="plain" onClick={() => list.search(list.query.value, undefined)}>
            Show all
          </button>
        </p>
      )}
      <Rows />
    </section>
  );
}

function SearchField() {
  const { list } = usePage();
  const timer = useRef(0);
  const field = useRef<HTMLInputElement>(null);
  // Before it is seen: no key is too early.
  useLayoutEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      field.current?.select();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  // A search that was begun elsewhere, by a tag for one.
  useSignalEffect(() => {
    const query = list.query.value;
    if (field.current && field.current !== document.activeElement) field.current.value = query;
  });
  return (
    <label class="search">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        placeholder="Search notes"
        aria-label="Search notes"
        aria-keyshortcuts="Control+K"
        title="Search title, text and tags (Ctrl+K)"
        onInput={({ currentTarget: { value } }) => {
          clearTimeout(timer.current);
          timer.current = Number(setTimeout(() => list.search(value.trim(), list.tag.value), searchDelayMs));
        }}
      />
    </label>
  );
}

function Rows() {
  const { list } = usePage();
  const rows = list.rows.value;
  if (list.state.value === "loading" && rows.length === 0) return <p class="empty" aria-busy="true" />;
  if (list.state.value === "failed" && rows.length === 0) {
    return (
      <div class="empty">
        <p>The notes could not be loaded.</p>
        <button type="button" onClick={() => list.load()}>
          Try again
        </button>
      </div>
    );
  }
  if (rows.length === 0) return <p class="empty">{isFiltered() ? "No note matches." : "No notes yet. Write the first one."}</p>;
  return (
    <VirtualList
      items={rows}
      keyOf={({ id }) => id}
      rowHeightPx={rowHeightPx}
      label="Notes"
      isGrowing
      onSee={(seen) => list.see(seen.map(({ id }) => id))}
      onEnd={() => list.more()}
      render={(row, tabIndex) => <NoteRow row={row} tabIndex={tabIndex} />}
    />
  );

  function isFiltered(): boolean {
    return list.query.value !== "" || list.tag.value !== undefined;
  }
}

function NoteRow({ row: { id, title, snippet, tags, updatedAt }, tabIndex }: { row: Row; tabIndex: 0 | -1 }) {
  const { list, jobs, drafts } = usePage();
  const at = route.value;
  const isOpen = "noteId" in at && at.noteId === id;
  const job = jobs.newestByNote.value.get(id);
  const isWorking = job !== undefined && isActive(job);
  return (
    <a
      class={`row ${list.fresh.value.has(id) ? "fresh" : ""}`}
      href={hrefOf({ view: "notes", noteId: id })}
      aria-current={isOpen ? "page" : undefined}
      tabIndex={tabIndex}
    >
      <span class="row-title">
        {isWorking && <span class="spinner small" role="img" aria-label="is being revised" />}
        {drafts.ids.value.has(id) && <span class="unsaved" role="img" aria-label="not saved" title="Not saved" />}
        <span class="cut">{title}</span>
      </span>
      <span class="row-snippet">{snippet || "Empty"}</span>
      <span class="row-meta">
        <time dateTime={updatedAt}>{ago(updatedAt, nowMs.value)}</time>
        {tags.slice(0, 3).map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
      </span>
    </a>
  );
}
