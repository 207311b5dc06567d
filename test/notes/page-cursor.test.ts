import { expect, test } from "bun:test";
import { notePosition, revisionPosition, searchOffset } from "../../src/notes/page-cursor.ts";
import { failureOf } from "../support/notes.ts";

const position = { updatedAt: 1_770_287_400_000, id: "0197aaaa-0000-7000-8000-000000000001" };

test("a cursor leads back to where the page ended", () => {
  expect(notePosition.parse(notePosition.format(position))).toEqual(position);
  expect(searchOffset.parse(searchOffset.format(50))).toBe(50);
  expect(revisionPosition.parse(revisionPosition.format(7))).toBe(7);
});

test("a cursor can stand in a URL as it is", () => {
  expect(notePosition.format(position)).toMatch(/^[\w-]+$/);
});

test.each(["", "50", "nonsense", searchOffset.format(50), revisionPosition.format(7)])(
  "a list refuses %j, which is no cursor of it",
  async (cursor) => {
    expect(await failureOf(() => notePosition.parse(cursor))).toMatchObject({ code: "invalid", details: { field: "cursor" } });
  },
);
