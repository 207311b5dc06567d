import { isImportTag, type Note } from "../../../notes/contract.ts";

/** What the list keeps of a note: thousands of texts would be too much to hold. */
export interface Row {
  id: string;
  title: string;
  tags: readonly string[];
  version: number;
  updatedAt: string;
  snippet: string;
}

const snippetChars = 160;

export function rowOf({ id, title, tags, version, updated_at, content }: Note): Row {
  return {
    id,
    title,
    tags: tags.filter((tag) => !isImportTag(tag)),
    version,
    updatedAt: updated_at,
    snippet: snippetOf(content, title),
  };
}

/** The beginning of the text, without most of its Markdown, and without a heading that only repeats the title. */
export function snippetOf(content: string, title: string): string {
  return content
    .slice(0, snippetChars * 4)
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .replace(/^\s*#+ +(.*)/, (line, heading: string) => (heading.trim() === title ? "" : line))
    .replace(/^\s*(?:[-*+] \[[ x]\] |[#>*+-]+\s|```.*$|\|?[\s|:-]+$)/gim, "")
    .replace(/!\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<\/?[a-z][^<>]*>/gi, " ")
    .replace(/(?<!\w)(\*\*|__|~~|[*_`])(?=\S)(.+?)(?<=\S)\1(?!\w)/g, "$2")
    .replace(/[\s|]+/g, " ")
    .trim()
    .slice(0, snippetChars);
}
