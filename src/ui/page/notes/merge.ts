import { type DiffPart, diffParts } from "./text-diff.ts";

/** A run of lines on which both sides agree, or a place where they do not, with who changed it since they parted. */
export type MergePart =
  | { kind: "same"; lines: readonly string[] }
  | { kind: "differing"; mine: readonly string[]; theirs: readonly string[]; changedBy: "me" | "them" | "both" };

export type Choice = "mine" | "theirs" | "both";

/** What two people made of one text, place by place: where their changes meet or touch, they are one place. */
export function mergeParts(base: string, mine: string, theirs: string): MergePart[] {
  const sides = [changesOf(diffParts(base, mine)), changesOf(diffParts(base, theirs))] as const;
  const lines = base.split("\n");
  const parts: MergePart[] = [];
  let at = 0;
  for (const place of placesOf(sides)) {
    if (place.start > at) parts.push({ kind: "same", lines: lines.slice(at, place.start) });
    parts.push(differing(place, sides, lines));
    at = place.end;
  }
  if (at < lines.length) parts.push({ kind: "same", lines: lines.slice(at) });
  return parts;
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

/** Lines of the base, from `start` up to but not including `end`; equal where something was only put in. */
interface Place {
  start: number;
  end: number;
}

interface Change extends Place {
  lines: readonly string[];
}

type Sides = readonly [mine: readonly Change[], theirs: readonly Change[]];

/** What was put in the place of which lines of the first text. */
function changesOf(parts: readonly DiffPart[]): Change[] {
  const changes: Change[] = [];
  let start = 0;
  for (const part of parts) {
    const end = start + (part.kind === "same" ? part.lines : part.before).length;
    if (part.kind === "changed") changes.push({ start, end, lines: part.after });
    start = end;
  }
  return changes;
}

function placesOf([mine, theirs]: Sides): Place[] {
  const places: Place[] = [];
  for (const { start, end } of [...mine, ...theirs].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = places.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else places.push({ start, end });
  }
  return places;
}

function differing(place: Place, sides: Sides, base: readonly string[]): MergePart {
  const [byMe, byThem] = sides.map((changes) => changes.filter(({ start, end }) => start >= place.start && end <= place.end));
  const mine = madeOf(place, byMe ?? [], base);
  const theirs = madeOf(place, byThem ?? [], base);
  if (mine.length === theirs.length && mine.every((line, index) => line === theirs[index])) return { kind: "same", lines: mine };
  return { kind: "differing", mine, theirs, changedBy: byMe?.length === 0 ? "them" : byThem?.length === 0 ? "me" : "both" };
}

/** The place's lines with one side's changes made. */
function madeOf({ start, end }: Place, changes: readonly Change[], base: readonly string[]): string[] {
  const made: string[] = [];
  let at = start;
  for (const change of changes) {
    made.push(...base.slice(at, change.start), ...change.lines);
    at = change.end;
  }
  return [...made, ...base.slice(at, end)];
}
