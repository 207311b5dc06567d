import { useEffect, useState } from "preact/hooks";
import type { Revision } from "../../../notes/contract.ts";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { nowMs } from "../shell/now.ts";
import { hrefOf } from "../shell/route.ts";
import { ago, exactly } from "../shell/time.ts";
import { useAct } from "../shell/use-act.ts";
import { DiffView } from "./diff-view.tsx";
import type { OpenNote } from "./open-note.ts";

const revisionsMost = 200;

const makers: Record<Revision["source"], string> = {
  user: "Written",
  agent: "Written by an agent",
  ai_revision: "AI revision",
  restore: "Restored",
};

/** All versions of a note: what differs between any two, and the way back to each. */
export function HistoryPane({ note, version }: { note: OpenNote; version: number | undefined }) {
  const revisions = useRevisions(note);
  const [comparison, compare] = useState<{ version: number | undefined; other: number } | undefined>(undefined);
  const current = note.base.value?.version;
  const chosen = revisions?.find((one) => one.version === (version ?? current)) ?? revisions?.[0];
  if (comparison && comparison.version !== version) compare(undefined);
  const other = revisions?.find((one) => one.version === (comparison?.other ?? chosen?.based_on));
  return (
    <section class="note-pane history" aria-label="Versions">
      <header class="note-head">
        <a class="button square" href={hrefOf({ view: "notes", noteId: note.id })} aria-label="Back to the note">
          <Icon name="back" />
        </a>
        <h2 class="cut">Versions of “{note.base.value?.title ?? "…"}”</h2>
      </header>
      {!revisions ? (
        <p class="empty" aria-busy="true" />
      ) : (
        <div class="history-body">
          <ol class="revisions scroll" aria-label="Versions, the newest first">
            {revisions.map((one) => (
              <li key={one.version}>
                <RevisionLink revision={one} isChosen={one === chosen} isCurrent={one.version === current} />
              </li>
            ))}
          </ol>
          {chosen && (
            <div class="comparison">
              <ComparisonHead
                note={note}
                chosen={chosen}
                other={other}
                revisions={revisions}
                isCurrent={chosen.version === current}
                onCompare={(other) => compare({ version, other })}
              />
              <DiffView before={other} after={chosen} />
            </div>
          )}
        </div>
      )}
    </section>
  );
}

/** They are fetched anew whenever there is one more. */
function useRevisions(note: OpenNote): readonly Revision[] | undefined {
  const { client, toasts } = usePage();
  const [revisions, setRevisions] = useState<readonly Revision[] | undefined>(undefined);
  const version = note.base.value?.version;
  const keptAside = note.keptAside.value;
  useEffect(() => {
    if (version === undefined) return;
    const leaving = new AbortController();
    client.notes.revisions(note.id, { limit: revisionsMost }, leaving.signal).then(
      ({ items }) => setRevisions(items),
      (error: unknown) => {
        if (!leaving.signal.aborted) toasts.problem("The versions could not be loaded", error);
      },
    );
    return () => leaving.abort();
  }, [note, version, keptAside]);
  return revisions;
}

function RevisionLink({ revision, isChosen, isCurrent }: { revision: Revision; isChosen: boolean; isCurrent: boolean }) {
  const { note_id, version, source, applied, created_at } = revision;
  return (
    <a
      class="revision"
      href={hrefOf({ view: "history", noteId: note_id, version })}
      aria-current={isChosen ? "true" : undefined}
      title={exactly(created_at)}
    >
      <span>
        {applied && <b>{version}</b>} {makers[source]}
        {isCurrent && <span class="badge">now</span>}
        {!applied && <span class="badge aside">kept aside</span>}
      </span>
      <time class="muted" dateTime={created_at}>
        {ago(created_at, nowMs.value)}
      </time>
    </a>
  );
}

interface ComparisonHeadProps {
  note: OpenNote;
  chosen: Revision;
  other: Revision | undefined;
  revisions: readonly Revision[];
  isCurrent: boolean;
  onCompare: (version: number) => void;
}

function ComparisonHead({ note, chosen, other, revisions, isCurrent, onCompare }: ComparisonHeadProps) {
  const { desk } = usePage();
  const restore = useAct(() => desk.restoreRevision(chosen));
  return (
    <div class="comparison-head">
      <label>
        {chosen.applied ? `Version ${chosen.version}` : "Kept aside"}, compared with
        <select
          value={other?.version ?? ""}
          onChange={({ currentTarget }) => onCompare(Number(currentTarget.value))}
          aria-label="Compare with version"
        >
          {!other && <option value="">nothing</option>}
          {revisions
            .filter(({ version }) => version !== chosen.version)
            .map((one) => (
              <option key={one.version} value={one.version}>
                {`${one.applied ? one.version : "kept aside"} · ${makers[one.source]}`}
              </option>
            ))}
        </select>
      </label>
      <button
        type="button"
        class="primary"
        disabled={isCurrent || note.isDirty.value}
        title={note.isDirty.value ? "Save or discard what you wrote first" : undefined}
        onClick={restore}
      >
        {isCurrent ? "This is the note now" : `Restore ${chosen.applied ? `version ${chosen.version}` : "what was kept aside"}`}
      </button>
    </div>
  );
}
