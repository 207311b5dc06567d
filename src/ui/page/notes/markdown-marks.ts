import { Decoration, type DecorationSet, EditorView, MatchDecorator, ViewPlugin, type ViewUpdate } from "@codemirror/view";

/** What stands out in a line of Markdown: by name, the group of the expression that has it. */
const expression =
  /^(?<heading>#{1,6} .*)|^ *(?<sign>>|(?:[-*+]|\d+[.)])(?: \[[ xX]\])?(?= )|```.*|\|?[-|: ]{3,}$)|(?<code>`[^`]+`)|(?<strong>\*\*[^*]+\*\*|__[^_]+__)|(?<link>!?\[[^\]]*\]\([^)]*\))/g;

const marks = Object.fromEntries(
  ["heading", "sign", "code", "strong", "link"].map((name) => [name, Decoration.mark({ class: `md-${name}` })]),
);

const matcher = new MatchDecorator({
  regexp: expression,
  decorate(add, _from, to, match) {
    for (const [name, text] of Object.entries(match.groups ?? {})) {
      const mark = marks[name];
      // A sign stands at the end of what was matched, behind the spaces that indent it.
      if (text !== undefined && mark) add(to - text.length, to, mark);
    }
  },
});

const look = EditorView.theme({
  ".md-heading": { fontWeight: "700" },
  ".md-strong": { fontWeight: "700" },
  ".md-sign": { color: "var(--accent)" },
  ".md-code": { color: "var(--spark)" },
  ".md-link": { color: "var(--accent)" },
});

/** Lets headings, lists, code, links and what is bold stand out, in the lines in sight. */
export const markdownMarks = [
  look,
  ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;

      constructor(view: EditorView) {
        this.decorations = matcher.createDeco(view);
      }

      update(update: ViewUpdate) {
        this.decorations = matcher.updateDeco(update, this.decorations);
      }
    },
    { decorations: ({ decorations }) => decorations },
  ),
];
