import remarkFrontmatter from "remark-frontmatter";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import { unified } from "unified";
import { titleCharsMax } from "../../src/notes/contract.ts";

const parser = unified().use(remarkParse).use(remarkGfm).use(remarkFrontmatter, ["yaml"]);

/** Titles and tags stand at the beginning; there is no need to parse a whole book for them. */
const readCharsMax = 16 * 1024;

/** What a Markdown text says about itself. */
export interface About {
  title: string | undefined;
  tags: string[];
}

/** The title that the front matter names, else the text of the first heading; and the tags of the front matter. */
export function aboutMarkdown(text: string): About {
  const { children } = parser.parse(text.slice(0, readCharsMax));
  const [first] = children;
  const front = first?.type === "yaml" ? parseYaml(first.value) : {};
  const headings = children.filter((node) => node.type === "heading").map((node) => oneLine(plainText(node)));
  const named = typeof front.title === "string" ? oneLine(front.title) : "";
  return { title: [named, ...headings].find((title) => title !== ""), tags: tagsOf(front.tags) };
}

/** A text that a title can hold. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, " ").trim();
  // Not to end within a character of two halves.
  return line.slice(0, titleCharsMax).replace(/[\ud800-\udbff]$/, "");
}

function parseYaml(text: string): Record<string, unknown> {
  try {
    const value: unknown = Bun.YAML.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // Front matter that is not YAML is no reason to refuse the text.
    return {};
  }
}

/** `tags: [a, b]`, a list below it, or `tags: a, b`. */
function tagsOf(value: unknown): string[] {
  const tags: unknown[] = typeof value === "string" ? value.split(",") : Array.isArray(value) ? value : [];
  return [
    ...new Set(tags.filter((tag) => typeof tag === "string" || typeof tag === "number").map((tag) => oneLine(String(tag)))),
  ].filter((tag) => tag !== "");
}

interface MarkdownNode {
  type: string;
  value?: string;
  children?: MarkdownNode[];
}

/** What a reader sees of it: no badges, no HTML. */
function plainText({ type, value, children = [] }: MarkdownNode): string {
  if (type === "text" || type === "inlineCode") return value ?? "";
  return type === "break" ? " " : children.map(plainText).join("");
}
