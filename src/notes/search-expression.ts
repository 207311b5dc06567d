/** More words than this find nothing better, and each costs a look into the index. */
const wordsMax = 64;

/**
 * What a person typed as an FTS5 expression in which nothing of it is syntax: every word must occur, the last one may be the
 * beginning of a word, and `use-case` means the words `use` and `case` next to each other. Undefined when nothing was typed.
 */
export function searchExpression(typed: string): string | undefined {
  // NUL counts as a blank: SQLite would take it for the end of the expression and miss the closing quote.
  const words = typed.split(/[\s\0]+/).filter((word) => word !== "");
  if (words.length === 0) return undefined;
  const phrases = words.slice(0, wordsMax).map((word) => `"${word.replaceAll('"', '""')}"`);
  return `${phrases.join(" ")}*`;
}
