import { history, historyKeymap, insertNewline } from "@codemirror/commands";
import { Annotation, EditorState, Transaction } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef } from "preact/hooks";
import { editsBetween } from "./edits.ts";
import { markdownMarks } from "./markdown-marks.ts";
import type { OpenNote } from "./open-note.ts";

/** Marks what came from elsewhere, so that it is not taken for something the person wrote. */
const fromElsewhere = Annotation.define<true>();

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", fontSize: "14px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.7", overflow: "auto" },
  ".cm-content": { padding: "20px 0 40vh", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 24px" },
  ".cm-placeholder": { color: "var(--muted)" },
});

/** Markdown to write. What comes from elsewhere is woven in: the caret, the selection, the place and the undo history stay. */
export function Editor({ note }: { note: OpenNote }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    // In a shadow root CodeMirror needs no <style> element, which the page's security policy would refuse.
    const root = place.current.shadowRoot ?? place.current.attachShadow({ mode: "open" });
    const state = EditorState.create({
      doc: withLf(note.content.peek()),
      extensions: [
        history(),
        keymap.of([...historyKeymap, { key: "Enter", run: insertNewline }]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Text of the note, Markdown", spellcheck: "true", tabindex: "0" }),
        placeholder("Write in Markdown…"),
        theme,
        markdownMarks,
        EditorView.updateListener.of(({ docChanged, state: { doc }, transactions }) => {
          const isTyped = transactions.some((one) => one.docChanged && one.annotation(fromElsewhere) === undefined);
          if (docChanged && isTyped) note.content.value = doc.toString();
        }),
      ],
    });
    const view = new EditorView({ state, parent: root, root });
    const stop = note.content.subscribe((text) => {
      const current = view.state.doc.toString();
      const wanted = withLf(text);
      if (wanted === current) return;
      const changes = view.state.changes(editsBetween(current, wanted));
      view.dispatch({
        changes,
        // What is in sight stays where it is, also when lines come above it.
        effects: view.scrollSnapshot().map(changes) ?? [],
        annotations: [fromElsewhere.of(true), Transaction.addToHistory.of(false)],
      });
    });
    return () => {
      stop();
      view.destroy();
    };
  }, [note]);
  return <div class="editor" ref={place} />;
}

/** The editor's own line ending. A text keeps the one it came with until somebody writes in it. */
function withLf(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
