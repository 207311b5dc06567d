import { diffArrays, diffWordsWithSpace } from "diff";

/** A run of lines that two texts share, or a place where they differ. */
export type DiffPart =
  | { kind: "same"; lines: readonly string[] }
  | { kind: "changed"; before: readonly string[]; after: readonly string[] };

/** A piece of a line, and whether the other text does not have it. */
export interface Mark {
  text: string;
  isChanged: boolean;
}

/** Texts that differ in more lines than this are shown as one place. */
const differencesMost = 5000;
/** Words of longer places are not compared. */
const wordCharsMost = 20_000;
/** Texts that share less than this are not compared word by word. */
const alikeLeast = 0.4;

export function diffParts(before: string, after: string): DiffPart[] {
  const [old, young] = [before.split("\n"), after.split("\n")];
  const changes = diffArrays(old, young, { maxEditLength: differencesMost });
  if (!changes) return [{ kind: "changed", before: old, after: young }];
  const parts: DiffPart[] = [];
  let open: { kind: "changed"; before: string[]; after: string[] } | undefined;
  for (const { value, added, removed } of changes) {
    if (!added && !removed) {
      parts.push({ kind: "same", lines: value });
      open = undefined;
      continue;
    }
    if (!open) {
      open = { kind: "changed", before: [], after: [] };
      parts.push(open);
    }
    open[added ? "after" : "before"].push(...value);
  }
  return parts;
}

/** Both texts of a place that differs, with the words marked that make the difference. */
export function wordMarks(before: string, after: string): { before: Mark[]; after: Mark[] } {
  const isShort = before.length + after.length <= wordCharsMost;
  const changes =
    isShort && before !== "" && after !== "" ? diffWordsWithSpace(before, after, { maxEditLength: 2000 }) : undefined;
  if (!changes) return { before: [{ text: before, isChanged: true }], after: [{ text: after, isChanged: true }] };
  // Of a text that was written anew a few words are the same by chance: marking the others would only be noise.
  const same = changes.reduce((sum, { added, removed, value }) => sum + (added || removed ? 0 : value.length), 0);
  const isLines = before.includes("\n") || after.includes("\n");
  if (isLines && same < alikeLeast * Math.max(before.length, after.length)) {
    return { before: [{ text: before, isChanged: false }], after: [{ text: after, isChanged: false }] };
  }
  const marks = (skip: "added" | "removed") =>
    changes.filter((change) => !change[skip]).map(({ value, added, removed }) => ({ text: value, isChanged: added || removed }));
  return { before: marks("added"), after: marks("removed") };
}
