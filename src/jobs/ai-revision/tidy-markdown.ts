import remarkFrontmatter from "remark-frontmatter";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkStringify, { type Options } from "remark-stringify";
import { type Processor, unified } from "unified";
import { isSameContent, type Node } from "./same-content.ts";

/** A change of form can allow the next one (a table that became narrower, say); more rounds than this mean that it never ends. */
const roundsMax = 4;
/** Tables are aligned unless that makes lines longer than this: one long cell would blow up all rows. */
const tableLineCharsMax = 160;

type TextHandler = NonNullable<NonNullable<Options["handlers"]>["text"]>;

const parser = unified().use(remarkParse).use(remarkFrontmatter, ["yaml", "toml"]).use(remarkGfm).use(withoutTransforms);

type Root = ReturnType<typeof parser.parse>;

/**
 * The same text in one style of Markdown: `#` headings, `-` bullets, fenced code, aligned tables, single blank lines.
 * Loses nothing: when the tidied text would not say exactly the same, the text comes back as it was. Tidying twice is tidying once.
 */
export function tidyMarkdown(text: string): string {
  const source = text.replace(/\r\n?/g, "\n");
  const meaning = parser.parse(source);
  let tidied = source;
  // Parsing is what takes time and memory: each text is parsed once.
  let tree = meaning;
  for (let round = 0; round < roundsMax; round++) {
    const next = restyle(tidied, tree);
    if (next === tidied) return isSameContent(meaning, tree) && !hasMoreReferences(tidied, source) ? tidied : text;
    tidied = next;
    tree = parser.parse(tidied);
  }
  return text;
}

function restyle(source: string, parsed: Root): string {
  const tree = withBareLinks(parsed, source);
  const aligned = stringify(source, tree, true);
  return longestTableLine(aligned) > tableLineCharsMax ? stringify(source, tree, false) : aligned;
}

function stringify(source: string, tree: Root, tablePipeAlign: boolean): string {
  return unified()
    .use(remarkStringify, {
      bullet: "-",
      bulletOther: "*",
      listItemIndent: "one",
      emphasis: "*",
      strong: "*",
      rule: "-",
      fences: true,
      resourceLink: true,
      handlers: { text: textAsWritten(source) },
    })
    .use(remarkFrontmatter, ["yaml", "toml"])
    .use(remarkGfm, { tablePipeAlign, stringLength: Bun.stringWidth })
    .stringify(tree);
}

/**
 * The library escapes whatever could be syntax anywhere (`snake\_case`, `\[!NOTE]`, `\[\[wiki link]]`), and forgets which character
 * references were used. Text stays as it was written, line by line.
 */
function textAsWritten(source: string): TextHandler {
  return (node, parent, state, info) => {
    const written = asWritten(node, source);
    if (written !== undefined) return written.split("\n").map(withoutMargin).join("\n");
    const index = state.indexStack.at(-1) ?? 0;
    const siblings = parent?.children ?? [];
    return state.safe(node.value, { ...info, beforeNode: siblings[index - 1], afterNode: siblings[index + 1] });
  };
}

/** Before a line that continues a text stand indentation and the marks of quotes; blanks at its end mean nothing. */
function withoutMargin(line: string, index: number, lines: readonly string[]): string {
  const start = index === 0 ? line : line.replace(/^[ \t>]+/, "");
  return index === lines.length - 1 ? start : start.trimEnd();
}

/** After parsing GFM looks for more links inside of texts, and the pieces forget where they stood in the source. */
function withoutTransforms(this: Processor): void {
  for (const extension of (this.data().fromMarkdownExtensions ?? []).flat()) extension.transforms = [];
}

/** A URL would become `[www.example.org](http://www.example.org)`; as text, bare or in `<>`, it stays what it is. */
function withBareLinks<Parent extends Node>(parent: Parent, source: string): Parent {
  if (!parent.children) return parent;
  const children = parent.children.map((child) => {
    const written = child.type === "link" ? asWritten(child, source) : undefined;
    return written !== undefined && !written.startsWith("[")
      ? { type: "text", value: written, position: child.position }
      : withBareLinks(child, source);
  });
  return { ...parent, children };
}

function asWritten({ position }: Node, source: string): string | undefined {
  const [start, end] = [position?.start.offset, position?.end.offset];
  return start === undefined || end === undefined ? undefined : source.slice(start, end);
}

/** Where nothing else helps the library writes letters as `&#x61;`: the same to a parser, but not to a reader. */
function hasMoreReferences(tidied: string, source: string): boolean {
  const count = (text: string) => text.match(/&#x/gi)?.length ?? 0;
  return count(tidied) > count(source);
}

function longestTableLine(markdown: string): number {
  return markdown.split("\n").reduce((longest, line) => (/^[ \t>]*\|/.test(line) ? Math.max(longest, line.length) : longest), 0);
}
