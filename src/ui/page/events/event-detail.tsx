import { useLayoutEffect, useRef } from "preact/hooks";
import { usePage } from "../page.ts";
import { CopyButton } from "../shell/copy-button.tsx";
import { Icon } from "../shell/icon.tsx";
import { hrefOf } from "../shell/route.ts";
import { curlOf, followCurlOf } from "./event-curl.ts";
import type { TapeEvent } from "./log-tail.ts";

/** One event in full, with commands that get it and what follows it. */
export function EventDetail({ event: { id, name, text }, onClose }: { event: TapeEvent; onClose: () => void }) {
  const { url } = usePage();
  const panel = useRef<HTMLElement>(null);
  const value = JSON.parse(text) as { data: Record<string, unknown> };
  const noteId = value.data.note_id;
  // Before it is seen: Escape closes it from the first moment.
  useLayoutEffect(() => panel.current?.focus(), [id]);
  return (
    <aside
      class="event-detail"
      aria-label="Event"
      ref={panel}
      tabIndex={-1}
      onKeyDown={({ key }) => {
        if (key === "Escape") onClose();
      }}
    >
      <header class="panel-head">
        <h2 class="cut">{name}</h2>
        <button type="button" class="plain square" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard too */}
      <pre tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>
      <div class="detail-actions">
        <CopyButton label="Copy as curl" text={curlOf(url, id)} />
        <CopyButton label="Copy curl that follows" text={followCurlOf(url, id, name)} />
        <CopyButton label="Copy JSON" text={text} />
        {typeof noteId === "string" && (
          <a class="button" href={hrefOf({ view: "notes", noteId })}>
            Open the note
          </a>
        )}
      </div>
    </aside>
  );
}
