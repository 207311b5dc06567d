import { useId } from "preact/hooks";
import { isImportTag } from "../../../notes/contract.ts";
import { usePage } from "../page.ts";
import { Icon } from "../shell/icon.tsx";
import { nowMs } from "../shell/now.ts";
import { ago, exactly } from "../shell/time.ts";
import type { OpenNote } from "./open-note.ts";

/** The note's tags, and when it last changed. */
export function TagField({ note }: { note: OpenNote }) {
  const { list } = usePage();
  const known = useId();
  const tags = note.tags.value;
  const base = note.base.value;
  const add = (field: HTMLInputElement) => {
    const tag = field.value.trim().normalize("NFC");
    const before = note.tags.peek();
    if (tag !== "" && !before.includes(tag)) note.tags.value = [...before, tag];
    field.value = "";
  };
  return (
    <div class="tag-field">
      {tags
        .filter((tag) => !isImportTag(tag))
        .map((tag) => (
          <span key={tag} class="tag removable">
            <button type="button" class="plain" title={`Show notes tagged ${tag}`} onClick={() => list.search("", tag)}>
              {tag}
            </button>
            <button
              type="button"
              class="plain"
              aria-label={`Remove tag ${tag}`}
              onClick={() => {
                note.tags.value = note.tags.peek().filter((one) => one !== tag);
              }}
            >
              <Icon name="close" />
            </button>
          </span>
        ))}
      <input
        placeholder="Add tag"
        aria-label="Add tag"
        maxLength={64}
        list={known}
        onKeyDown={(event) => {
          if (event.key !== "Enter" && event.key !== ",") return;
          event.preventDefault();
          add(event.currentTarget);
        }}
        onBlur={({ currentTarget }) => add(currentTarget)}
      />
      <datalist id={known}>
        {list.tags.value.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
      {base && (
        <span class="note-meta" title={exactly(base.updated_at)}>
          Version {base.version}, {ago(base.updated_at, nowMs.value)}
        </span>
      )}
    </div>
  );
}
