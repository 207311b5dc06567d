import { RangeSetBuilder, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";

/** What stands out in a line of Markdown: by name, the group of the expression that has it. */
const expression =
  /^(?<heading>#{1,6} .*)|^ *(?<sign>>|(?:[-*+]|\d+[.)])(?: \[[ xX]\])?(?= )|\|?[-|: ]{3,}$)|(?<code>`[^`]+`)|(?<strong>\*\*[^*]+\*\*|__[^_]+__)|(?<link>!?\[(?:!\[[^\]]*\]\([^)]*\)|[^\]])*\]\([^)]*\))/g;

/** A line that begins or ends a block of code (CommonMark 4.5), also one that is indented as a part of a list. */
const fence = /^ *(?<sign>`{3,}(?!.*`)|~{3,})(?<info>.*)$/;

const marks = Object.fromEntries(
  ["heading", "sign", "code", "strong", "link"].map((name) => [name, Decoration.mark({ class: `md-${name}` })]),
);

const look = EditorView.theme({
  ".md-heading": { fontWeight: "700" },
  ".md-strong": { fontWeight: "700" },
  ".md-sign": { color: "var(--accent)" },
  ".md-code": { color: "var(--spark)" },
  ".md-link": { color: "var(--accent)" },
});

/** The marks of the lines that reach into `from` to `to`. Those before are read as well: whether a line is code is decided above it. */
function marksOf(doc: Text, { from, to }: { from: number; to: number }): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const add = (name: string, start: number, end: number) => {
    const mark = marks[name];
    if (mark && end > start && end >= from) builder.add(start, end, mark);
  };
  let open: string | undefined;
  let start = 0;
  for (const text of doc.iterLines()) {
    if (start > to) break;
    const end = start + text.length;
    const { sign, info } = fence.exec(text)?.groups ?? {};
    if (open !== undefined) {
      const isEnd = sign?.startsWith(open) && info?.trim() === "";
      add(isEnd ? "sign" : "code", start, end);
      if (isEnd) open = undefined;
    } else if (sign !== undefined) {
      open = sign;
      add("sign", start, end);
    } else if (end >= from) {
      for (const match of text.matchAll(expression)) {
        // A sign stands at the end of what was matched, behind the spaces that indent it.
        const until = start + match.index + match[0].length;
        for (const [name, part] of Object.entries(match.groups ?? {}))
          if (part !== undefined) add(name, until - part.length, until);
      }
    }
    start = end + 1;
  }
  return builder.finish();
}

/**
 * Lets headings, lists, code, links and what is bold stand out, in the lines in sight. The editor's own Markdown language knows
 * more, and alone would take the page over the weight it may have.
 */
export const markdownMarks = [
  look,
  ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;

      constructor({ state, viewport }: EditorView) {
        this.decorations = marksOf(state.doc, viewport);
      }

      update({ docChanged, viewportChanged, state, view }: ViewUpdate) {
        if (docChanged || viewportChanged) this.decorations = marksOf(state.doc, view.viewport);
      }
    },
    { decorations: ({ decorations }) => decorations },
  ),
];
