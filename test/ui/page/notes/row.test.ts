import { expect, test } from "bun:test";
import { snippetOf } from "../../../../src/ui/page/notes/row.ts";

test("the snippet of a note is its words, without signs and without the title said again", () => {
  const plan = "# Plan\n\nWe ship on **Friday**.\n\n- [x] Freeze\n- [ ] Tell\n\n| who | what |\n|---|---|\n| Ada | proofs |\n";
  expect(snippetOf(plan, "Plan")).toBe("We ship on Friday. Freeze Tell who what Ada proofs");
  expect(snippetOf("# Another\n\n> a *quote* with `code` and [a link](https://example.com)", "Plan")).toBe(
    "Another a quote with code and a link",
  );
  expect(snippetOf("---\ntags: x\n---\n```ts\nconst a = 1;\n```", "Plan")).toBe("const a = 1;");
});

test("of badges and HTML the snippet has the words alone", () => {
  const readme =
    '<h1 align="center">\n  <img src="logo.svg" />\n</h1>\n\n[![build](https://a.example/b.svg)](https://a.example) Fast.';
  expect(snippetOf(readme, "x")).toBe("build Fast.");
});

test("what only looks like Markdown stays", () => {
  expect(snippetOf("snake_case_name, 2 * 3 * 4, a - b", "x")).toBe("snake_case_name, 2 * 3 * 4, a - b");
  expect(snippetOf("", "x")).toBe("");
});
