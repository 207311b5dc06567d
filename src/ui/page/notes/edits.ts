import { diffArrays, diffWordsWithSpace } from "diff";

/** Replaces what stands between two positions. */
export interface Edit {
  from: number;
  to: number;
  insert: string;
}

/** Up to this length words are compared, in longer texts lines; texts with more differences than these are exchanged whole. */
const wordCharsMost = 4000;
const differencesMost = 2000;

/** The edits that make `after` out of `before`, so small that a caret in a text that stays keeps its place. */
export function editsBetween(before: string, after: string): Edit[] {
  const start = commonStart(before, after);
  const end = commonEnd(before, after, start);
  const cut = (text: string) => text.slice(start, text.length - end);
  return pieces(cut(before), cut(after)).map(({ from, to, insert }) => ({ from: from + start, to: to + start, insert }));
}

function pieces(before: string, after: string): Edit[] {
  const whole = [{ from: 0, to: before.length, insert: after }];
  if (before === "" || after === "") return before === after ? [] : whole;
  const options = { maxEditLength: differencesMost };
  const changes =
    before.length + after.length <= wordCharsMost
      ? diffWordsWithSpace(before, after, options)
      : diffArrays(before.split(/(?<=\n)/), after.split(/(?<=\n)/), options)?.map(({ value, ...rest }) => ({
          ...rest,
          value: value.join(""),
        }));
  return changes ? editsOf(changes) : whole;
}

function editsOf(changes: readonly { value: string; added: boolean; removed: boolean }[]): Edit[] {
  const edits: Edit[] = [];
  let at = 0;
  let open: Edit | undefined;
  for (const { value, added, removed } of changes) {
    if (!added && !removed) {
      open = undefined;
      at += value.length;
      continue;
    }
    if (!open) {
      open = { from: at, to: at, insert: "" };
      edits.push(open);
    }
    if (added) open.insert += value;
    else {
      at += value.length;
      open.to = at;
    }
  }
  return edits;
}

function commonStart(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length++;
  // Not between the halves of a surrogate pair.
  return length > 0 && isHighSurrogate(one.charCodeAt(length - 1)) ? length - 1 : length;
}

function commonEnd(one: string, other: string, start: number): number {
  const most = Math.min(one.length, other.length) - start;
  let length = 0;
  while (length < most && one.charCodeAt(one.length - 1 - length) === other.charCodeAt(other.length - 1 - length)) length++;
  return length > 0 && isLowSurrogate(one.charCodeAt(one.length - length)) ? length - 1 : length;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
