import { describe, expect, test } from "bun:test";
import { acceptContent, acceptTags, acceptTitle } from "../../src/notes/rules.ts";
import { failureOf } from "../support/notes.ts";

describe("a title", () => {
  test("is stored without the blanks around it", () => {
    expect(acceptTitle("  Sea and\u00a0sky \n")).toBe("Sea and\u00a0sky");
  });

  test("can be 500 characters long and no longer", async () => {
    expect(acceptTitle("x".repeat(500))).toHaveLength(500);
    expect(await failureOf(() => acceptTitle("x".repeat(501)))).toMatchObject({
      code: "invalid",
      message: "title must have at most 500 characters, not 501.",
      details: { field: "title" },
    });
  });

  test.each([
    ["is empty", "", "title must not be empty."],
    ["has blanks only", " \t\u3000 ", "title must not be empty."],
    ["has a NUL character", "a\0b", "title must not contain the NUL character."],
    ["has a line break", "a\nb", "title must be one line without control characters."],
    ["has an escape sequence", "a\x1b[2Jb", "title must be one line without control characters."],
    ["has half of a surrogate pair", "a\ud83d", "title must be valid Unicode; it contains half of a surrogate pair."],
  ])("is refused when it %s", async (_, title, message) => {
    expect(await failureOf(() => acceptTitle(title))).toMatchObject({ code: "invalid", message, details: { field: "title" } });
  });
});

describe("a content", () => {
  test("is stored as it is, with its blanks, line breaks and tabs", () => {
    const content = "\r\n  # Sea\n\tcode\u2028🌊 e\u0301\n\n";
    expect(acceptContent(content, 100)).toBe(content);
  });

  test("is measured in bytes", async () => {
    expect(acceptContent("🌊🌊", 8)).toBe("🌊🌊");
    expect(await failureOf(() => acceptContent("🌊🌊!", 8))).toMatchObject({ code: "too_large", details: { field: "content" } });
  });

  test.each([
    ["a NUL character", "a\0"],
    ["half of a surrogate pair", "\udc00a"],
  ])("is refused when it has %s", async (_, content) => {
    expect(await failureOf(() => acceptContent(content, 100))).toMatchObject({ code: "invalid", details: { field: "content" } });
  });
});

describe("tags", () => {
  test("are trimmed and composed, and kept in order, each once", () => {
    expect(acceptTags([" sea ", "cafe\u0301", "Sea", "sea", "caf\u00e9"])).toEqual(["sea", "caf\u00e9", "Sea"]);
  });

  test("can be 64, repeats not counted, and no more", async () => {
    const tags = Array.from({ length: 64 }, (_, index) => `t${index}`);
    expect(acceptTags([...tags, "t0"])).toEqual(tags);
    expect(await failureOf(() => acceptTags([...tags, "one more"]))).toMatchObject({
      code: "invalid",
      details: { field: "tags" },
    });
  });

  test.each([
    ["is empty", " "],
    ["is longer than 64 characters", "x".repeat(65)],
    ["has a NUL character", "a\0"],
    ["has a line break", "a\nb"],
    ["has half of a surrogate pair", "\ud800"],
  ])("are refused when one %s, and it is named", async (_, tag) => {
    expect(await failureOf(() => acceptTags(["fine", tag]))).toMatchObject({ code: "invalid", details: { field: "tags.1" } });
  });
});
