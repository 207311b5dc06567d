import { expect, test } from "bun:test";
import { searchExpression } from "../../src/notes/search-expression.ts";

test.each([
  ["sea", '"sea"*'],
  ["  sea\tsky \n", '"sea" "sky"*'],
  ['say "hi', '"say" """hi"*'],
  ["sea AND NOT sky", '"sea" "AND" "NOT" "sky"*'],
  ["title:sea*", '"title:sea*"*'],
  ["a\0b", '"a" "b"*'],
])("%j is asked for as %s", (typed, expression) => {
  expect(searchExpression(typed)).toBe(expression);
});

test.each(["", " \n\t\u3000", "\0"])("%j asks for nothing", (typed) => {
  expect(searchExpression(typed)).toBeUndefined();
});

test("words beyond the 64th are left out", () => {
  const words = Array.from({ length: 70 }, (_, index) => `w${index}`);
  expect(searchExpression(words.join(" "))).toEndWith('"w62" "w63"*');
});
