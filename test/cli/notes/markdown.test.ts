import { describe, expect, test } from "bun:test";
import { aboutMarkdown } from "../../../cli/notes/markdown.ts";

const titleOf = (text: string) => aboutMarkdown(text).title;
const tagsOf = (text: string) => aboutMarkdown(text).tags;

describe("what a Markdown text says about itself", () => {
  test.each([
    ["# Title\n\ntext", "Title"],
    ["text\n\n## Later *heading* with `code` #\n", "Later heading with code"],
    ["Underlined\n==========\n", "Underlined"],
    ["```\n# not a heading\n```\n# Heading\n", "Heading"],
    ["# [![badge](b.svg)](x)\n# [Real](x) &amp; true\n", "Real & true"],
    ["# <b></b>\n\n# After\n", "After"],
    ["\ufeff# With mark\n", "With mark"],
    ["# a\\\n# b", "a\\"],
  ])("%j has the title %j", (text, title) => {
    expect(titleOf(text)).toBe(title);
  });

  test("the front matter's title wins, and its tags are found in each spelling", () => {
    expect(aboutMarkdown("---\ntitle: From above\ntags: [a, b, 2026]\n---\n# Heading\n")).toEqual({
      title: "From above",
      tags: ["a", "b", "2026"],
    });
    expect(tagsOf("---\ntags:\n  - a b\n  - a b\n  - c\n---\n")).toEqual(["a b", "c"]);
    expect(tagsOf("---\ntags: a, b,\n---\n")).toEqual(["a", "b"]);
  });

  test("front matter that is not YAML, or says something else, is passed over", () => {
    expect(aboutMarkdown("---\n: [\n---\n# Heading\n")).toEqual({ title: "Heading", tags: [] });
    expect(aboutMarkdown("---\ntags: {a: b}\ntitle: 5\n---\n# Heading\n")).toEqual({ title: "Heading", tags: [] });
    expect(aboutMarkdown("---\n- list\n---\n# Heading\n").title).toBe("Heading");
  });

  test("without a heading there is no title", () => {
    expect(aboutMarkdown("just text")).toEqual({ title: undefined, tags: [] });
    expect(aboutMarkdown("")).toEqual({ title: undefined, tags: [] });
  });

  test("a title is one line of bearable length", () => {
    expect(titleOf(`# ${"x".repeat(1000)}`)).toHaveLength(500);
    expect(titleOf(`# x${"😀".repeat(300)}`)?.isWellFormed()).toBe(true);
    expect(titleOf("a\nb\n===\n")).toBe("a b");
  });
});
