import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf, openNotes, user } from "../support/notes.ts";

let opened: ReturnType<typeof openNotes>;
let notes: typeof opened.notes;

beforeEach(() => {
  opened = openNotes();
  notes = opened.notes;
});
afterEach(() => opened.close());

const add = (title: string, content = "", tags: string[] = []) => notes.create({ title, content, tags }, user);
const titles = (filter: { q?: string; tag?: string }) => notes.list({ ...filter, limit: 50 }).items.map((note) => note.title);

/** The titles of all pages, page by page. */
function pages(filter: { q?: string; tag?: string }, limit: number): string[][] {
  const found: string[][] = [];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page = notes.list({ ...filter, limit, ...(cursor && { cursor }) });
    found.push(page.items.map((note) => note.title));
    cursor = page.next_cursor;
  }
  return found;
}

describe("a list", () => {
  test("has the newest change first", async () => {
    const first = await add("First");
    await opened.clock.advance(1);
    await add("Second");
    await opened.clock.advance(1);
    await notes.update(first.id, { content: "changed" }, { actor: user });
    expect(titles({})).toEqual(["First", "Second"]);
  });

  test("comes in pages without gap or repeat, also of notes changed in the same millisecond", async () => {
    await Promise.all(["a", "b", "c", "d", "e"].map((title) => add(title)));
    expect(pages({}, 2)).toEqual([["e", "d"], ["c", "b"], ["a"]]);
    expect(pages({}, 5)).toEqual([["e", "d", "c", "b", "a"]]);
  });

  test("goes on where it was when notes before that place come, change or vanish", async () => {
    const ids: string[] = [];
    for (const title of ["a", "b", "c", "d", "e"]) {
      ids.push((await add(title)).id);
      await opened.clock.advance(1);
    }
    const { next_cursor } = notes.list({ limit: 2 });
    await add("new");
    await notes.remove(ids[3] ?? "", { actor: user });
    expect(notes.list({ limit: 3, cursor: next_cursor ?? "" }).items.map((note) => note.title)).toEqual(["c", "b", "a"]);
  });

  test("of a tag has its notes only, however the tag is composed", async () => {
    await add("One", "", ["caf\u00e9", "sea"]);
    await add("Two", "", ["sea"]);
    await add("Three", "", ["Sea"]);
    expect(titles({ tag: "sea" }).sort()).toEqual(["One", "Two"]);
    expect(titles({ tag: " cafe\u0301 " })).toEqual(["One"]);
    expect(titles({ tag: "se" })).toEqual([]);
    expect(titles({ tag: "" })).toEqual([]);
    expect(titles({ tag: "a\0\ud800" })).toEqual([]);
  });

  test("of a tag follows every change of a note's tags", async () => {
    const note = await add("Sea", "", ["water", "salt"]);
    await notes.update(note.id, { tags: ["salt", "deep"] }, { actor: user });
    expect([titles({ tag: "water" }), titles({ tag: "salt" }), titles({ tag: "deep" })]).toEqual([[], ["Sea"], ["Sea"]]);
  });

  test("of a common tag is in the same order as that of a rare one", async () => {
    const names = Array.from({ length: 1100 }, (_, index) => `Note ${index}`);
    await Promise.all(names.map((name, index) => add(name, "", index % 11 === 0 ? ["common", "rare"] : ["common"])));
    expect(pages({ tag: "common" }, 500).flat()).toEqual(names.toReversed());
    expect(pages({ tag: "rare" }, 30).flat()).toEqual(names.filter((_, index) => index % 11 === 0).reverse());
  });

  test("refuses a cursor of a search, and a search one of a list", async () => {
    await Promise.all([add("sea 1"), add("sea 2")]);
    const ofList = notes.list({ limit: 1 }).next_cursor ?? "";
    const ofSearch = notes.list({ q: "sea", limit: 1 }).next_cursor ?? "";
    expect(await failureOf(() => notes.list({ limit: 1, cursor: ofSearch }))).toMatchObject({
      code: "invalid",
      details: { field: "cursor" },
    });
    expect(await failureOf(() => notes.list({ q: "sea", limit: 1, cursor: ofList }))).toMatchObject({
      details: { field: "cursor" },
    });
  });
});

describe("a search", () => {
  test("finds notes that have all the words, in title, content or tags", async () => {
    await add("Sea", "deep water");
    await add("Lake", "deep", ["water"]);
    await add("Pool", "water");
    expect(titles({ q: "water deep" }).sort()).toEqual(["Lake", "Sea"]);
  });

  test("takes the last word as a beginning, the others whole", async () => {
    await add("Mountain river");
    expect(titles({ q: "mountain riv" })).toEqual(["Mountain river"]);
    expect(titles({ q: "mount river" })).toEqual([]);
  });

  test("does not mind case and accents", async () => {
    await add("Caf\u00e9 Cr\u00e8me");
    expect(titles({ q: "CAFE cre\u0300me" })).toEqual(["Caf\u00e9 Cr\u00e8me"]);
  });

  test("puts a word in the title before one among the tags, and that before one in the text", async () => {
    const filler = "and other words that have nothing to do with it ".repeat(5);
    await add("Text", `whale, whale, whale ${filler}`, ["x"]);
    await add("Tagged", filler, ["whale"]);
    await add("Whale", filler, ["x"]);
    await Promise.all(Array.from({ length: 10 }, (_, index) => add(`Other ${index}`, filler)));
    expect(titles({ q: "whale" })).toEqual(["Whale", "Tagged", "Text"]);
  });

  test("follows every change of a note", async () => {
    const note = await add("Sea", "deep", ["water"]);
    await notes.update(note.id, { content: "wide" }, { actor: user });
    await notes.update(note.id, { tags: ["salt"] }, { actor: user });
    expect([titles({ q: "deep" }), titles({ q: "water" })]).toEqual([[], []]);
    expect([titles({ q: "wide" }), titles({ q: "salt" }), titles({ q: "sea" })]).toEqual([["Sea"], ["Sea"], ["Sea"]]);
  });

  test("can be narrowed to a tag", async () => {
    await add("Sea", "deep", ["water"]);
    await add("Thought", "deep", ["mind"]);
    expect(titles({ q: "deep", tag: "mind" })).toEqual(["Thought"]);
  });

  test("comes in pages without gap or repeat", async () => {
    await Promise.all(Array.from({ length: 25 }, (_, index) => add(`Sea ${index}`, "water ".repeat(index + 1))));
    const found = pages({ q: "water" }, 10);
    expect(found.map((page) => page.length)).toEqual([10, 10, 5]);
    expect(new Set(found.flat()).size).toBe(25);
    expect(found.flat()).toEqual(titles({ q: "water" }));
  });

  test("for nothing but blanks is a list", async () => {
    await add("Sea");
    expect(titles({ q: " \0 " })).toEqual(["Sea"]);
  });

  test.each([
    '"',
    '""',
    "*",
    "AND",
    "sea AND",
    "NOT sea",
    "sea OR lake",
    "NEAR(sea lake)",
    "title:sea",
    "title : sea",
    "^sea",
    "(sea",
    "{a}:b",
    "-sea",
    "a+b",
    "🌊",
  ])("takes %j for words, not for syntax", async (q) => {
    await add("Other", "nothing of it");
    expect(titles({ q })).toEqual([]);
  });

  test("finds what was typed in any form that has a letter or digit in it", async () => {
    await add("use-cases.md", `"quoted" AND C++ don't`);
    for (const q of ["use-cases.md", "use-ca", '"quoted" AND C++', "don't", "(quoted)", "quoted*"]) {
      expect(titles({ q })).toEqual(["use-cases.md"]);
    }
  });

  test("never fails, whatever is typed", async () => {
    await add("Sea", 'It is deep "and" wide * AND (blue)');
    const syntax = fc.constantFrom(
      '"',
      "*",
      "(",
      ")",
      "^",
      "-",
      "+",
      ":",
      "{",
      "}",
      " ",
      "AND",
      "OR",
      "NOT",
      "NEAR",
      "sea",
      "\0",
      "\ud800",
      "'",
      ",",
      "title",
    );
    const typed = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.array(syntax, { maxLength: 300 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(typed, fc.option(typed, { nil: undefined }), (q, tag) => {
        expect(notes.list({ q, ...(tag !== undefined && { tag }), limit: 5 }).items.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  test("finds every note by each word of its own", async () => {
    const word = fc.stringMatching(/^[a-zé0-9]{1,12}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), async (words) => {
        const note = await add("Title", words.join(" "));
        for (const q of [...words, words.join(" ")]) {
          expect(notes.list({ q, limit: 500 }).items.map((found) => found.id)).toContain(note.id);
        }
      }),
      { numRuns: 50 },
    );
  });
});
