import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Edit, editsBetween } from "../../../../src/ui/page/notes/edits.ts";

const word = fc.constantFrom("a", "bb", "😀", "👩‍👩‍👧", " ", "\n", "é", "\u{10000}");
const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(""));

function applied(before: string, edits: readonly Edit[]): string {
  return edits.toReversed().reduce((now, { from, to, insert }) => now.slice(0, from) + insert + now.slice(to), before);
}

describe("the edits between two texts", () => {
  test("make the one of the other, in order and without touching each other", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const edits = editsBetween(before, after);
        expect(applied(before, edits)).toBe(after);
        for (const [index, { from, to }] of edits.entries()) {
          expect(to).toBeGreaterThanOrEqual(from);
          expect(from).toBeGreaterThanOrEqual(edits[index - 1]?.to ?? 0);
        }
      }),
    );
  });

  test("cut no character in half", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        for (const { insert } of editsBetween(before, after)) expect(insert.isWellFormed()).toBe(true);
      }),
    );
  });

  test("leave alone what stays, so that a caret in it keeps its place", () => {
    const before = "First line\n\nThe caret stands here.\n\nLast line";
    const after = "A heading\n\nFirst line\n\nThe caret stands here.\n\nThe last line";
    const caret = before.indexOf("stands");
    for (const { from, to } of editsBetween(before, after)) expect(from > caret || to < caret).toBe(true);
  });
});
