import { type DiffPart, diffParts } from "./text-diff.ts";

/** A run of lines on which both sides agree, or a place where they do not, with who changed it since they parted. */
export type MergePart =
  | { kind: "same"; lines: readonly string[] }
  | { kind: "differing"; mine: readonly string[]; theirs: readonly string[]; changedBy: "me" | "them" | "both" };

export type Choice = "mine" | "theirs" | "both";

/** What two people made of one text, place by place. */
export function mergeParts(base: string, mine: string, theirs: string): MergePart[] {
  const changedByMe = changedRanges(diffParts(base, mine));
  const changedByThem = changedRanges(diffParts(base, theirs));
  let mineAt = 0;
  let theirsAt = 0;
  return diffParts(mine, theirs).map((part): MergePart => {
    const [before, after] = part.kind === "same" ? [part.lines, part.lines] : [part.before, part.after];
    const isMine = changedByMe.some((range) => meets(range, mineAt, before.length));
    const isTheirs = changedByThem.some((range) => meets(range, theirsAt, after.length));
    mineAt += before.length;
    theirsAt += after.length;
    if (part.kind === "same") return part;
    const changedBy = isMine === isTheirs ? "both" : isMine ? "me" : "them";
    return { kind: "differing", mine: before, theirs: after, changedBy };
  });
}

/** What to begin with: whoever changed a place alone meant it; where both did, the person has to say. */
export function firstChoice(part: MergePart): Choice | undefined {
  if (part.kind === "same" || part.changedBy === "both") return undefined;
  return part.changedBy === "me" ? "mine" : "theirs";
}

/** The text that the choices make, `choices` being in the order of `parts`. */
export function merged(parts: readonly MergePart[], choices: readonly (Choice | undefined)[]): string {
  return parts
    .flatMap((part, index) => {
      if (part.kind === "same") return part.lines;
      const choice = choices[index] ?? "mine";
      if (choice === "both") return [...part.mine, ...part.theirs];
      return choice === "mine" ? part.mine : part.theirs;
    })
    .join("\n");
}

interface Range {
  start: number;
  length: number;
}

/** Where the second text differs from the first, in lines of the second. */
function changedRanges(parts: readonly DiffPart[]): Range[] {
  const ranges: Range[] = [];
  let at = 0;
  for (const part of parts) {
    const length = part.kind === "same" ? part.lines.length : part.after.length;
    if (part.kind === "changed") ranges.push({ start: at, length });
    at += length;
  }
  return ranges;
}

/** Lines that were taken out have no length; they count for the place where they were. */
function meets(range: Range, start: number, length: number): boolean {
  if (range.length === 0 || length === 0) return range.start <= start + length && start <= range.start + range.length;
  return range.start < start + length && start < range.start + range.length;
}
