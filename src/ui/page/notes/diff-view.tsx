import { useMemo } from "preact/hooks";
import type { Revision } from "../../../notes/contract.ts";
import { MarkedText, SameLines } from "./marked-text.tsx";
import { diffParts, wordMarks } from "./text-diff.ts";

/** What changed from one version to another, with the words that make the difference marked. */
export function DiffView({ before, after }: { before: Revision | undefined; after: Revision }) {
  const old = { title: before?.title ?? "", tags: before?.tags.join(", ") ?? "", content: before?.content ?? "" };
  const isSame = old.title === after.title && old.tags === after.tags.join(", ") && old.content === after.content;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard too
    <section class="diff scroll" aria-label="What differs" tabIndex={0}>
      {isSame && <p class="muted">Nothing differs.</p>}
      <Field name="Title" before={old.title} after={after.title} />
      <Field name="Tags" before={old.tags} after={after.tags.join(", ")} />
      <Field name="Text" before={old.content} after={after.content} />
    </section>
  );
}

function Field({ name, before, after }: { name: string; before: string; after: string }) {
  const parts = useMemo(() => diffParts(before, after), [before, after]);
  if (before === after) return null;
  return (
    <section>
      <h3>{name}</h3>
      <div class="diff-lines">
        {parts.map((part, index) =>
          part.kind === "same" ? (
            <SameLines key={index} lines={part.lines} isFirst={index === 0} isLast={index === parts.length - 1} />
          ) : (
            <Change key={index} before={part.before.join("\n")} after={part.after.join("\n")} />
          ),
        )}
      </div>
    </section>
  );
}

function Change({ before, after }: { before: string; after: string }) {
  const marks = useMemo(() => wordMarks(before, after), [before, after]);
  return (
    <>
      {before !== "" && (
        <div class="removed">
          <MarkedText marks={marks.before} as="del" />
        </div>
      )}
      {after !== "" && (
        <div class="added">
          <MarkedText marks={marks.after} as="ins" />
        </div>
      )}
    </>
  );
}
