import { useEffect, useRef, useState } from "preact/hooks";
import { type Block, renderBlocks } from "./markdown.ts";
import type { OpenNote } from "./open-note.ts";

/** A text that takes long to render is rendered that much less often. */
const pauseFactor = 4;

interface Rendered {
  blocks: readonly Block[];
  /** Keys of the blocks that came with a change from elsewhere: the eye is led to them. */
  fresh: ReadonlySet<string>;
}

/** The note as it reads. Only blocks that changed are touched, so that the place one is reading at stays. */
export function Preview({ note }: { note: OpenNote }) {
  const [{ blocks, fresh }, show] = useState<Rendered>(() => ({ blocks: renderBlocks(note.content.peek()), fresh: new Set() }));
  const seen = useRef({ text: note.content.peek(), blocks, refreshes: note.refreshes.peek(), costMs: 0 });
  useEffect(() => {
    let timer = 0;
    const render = (text: string) => {
      const { blocks: before, refreshes } = seen.current;
      const startMs = performance.now();
      const after = renderBlocks(text);
      seen.current = { text, blocks: after, refreshes: note.refreshes.peek(), costMs: performance.now() - startMs };
      const known = new Set(before.map(({ key }) => key));
      const isFromElsewhere = refreshes !== note.refreshes.peek();
      show({
        blocks: after,
        fresh: new Set(isFromElsewhere ? after.map(({ key }) => key).filter((key) => !known.has(key)) : []),
      });
    };
    const stop = note.content.subscribe((text) => {
      clearTimeout(timer);
      if (text !== seen.current.text) timer = Number(setTimeout(() => render(text), seen.current.costMs * pauseFactor));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [note]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard too
    <article class="preview prose" aria-label="The note as it reads" tabIndex={0}>
      {blocks.length === 0 && <p class="muted">Nothing written yet.</p>}
      {blocks.map(({ key, html }) => (
        // DOMPurify made it, see markdown.ts.
        <div key={key} class={fresh.has(key) ? "block fresh" : "block"} dangerouslySetInnerHTML={{ __html: html }} />
      ))}
    </article>
  );
}
