import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { useAct } from "../shell/use-act.ts";

/** Stands where a note would: how to begin, or how to go on. */
export function NoNote() {
  const { desk, list } = usePage();
  const create = useAct(() => desk.create());
  return (
    <section class="note-pane blank" aria-label="Note">
      <Icon name="notes" />
      {list.isEmpty.value ? (
        <>
          <h2>Your first note</h2>
          <p>Write in Markdown and see it as it reads. Then have it revised, and watch the new text come in.</p>
          <button type="button" class="primary" onClick={create}>
            <Icon name="add" />
            <span>Write a note</span>
          </button>
        </>
      ) : (
        <p>Choose a note, or write a new one.</p>
      )}
      <dl class="keys wide-only">
        <Key keys="Alt N" does="new note" />
        <Key keys="Ctrl K" does="search" />
        <Key keys="Alt J" does="jobs" />
      </dl>
    </section>
  );
}

function Key({ keys, does }: { keys: string; does: string }) {
  return (
    <div>
      <dt>
        {keys.split(" ").map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{does}</dd>
    </div>
  );
}
