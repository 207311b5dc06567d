import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { tidyMarkdown } from "../../../src/jobs/ai-revision/tidy-markdown.ts";

describe("tidying", () => {
  test("brings Markdown into one style", () => {
    const text = [
      "Title",
      "=====",
      "* one",
      "* two",
      "    + deeper",
      "",
      "",
      "",
      "|a|b|",
      "|-|:-:|",
      "|x \\| y|`a\\|b`|",
      "",
      "    code",
      "",
      "__bold__ and _slanted_  ",
      "next",
      "***",
    ].join("\n");
    expect(tidyMarkdown(text)).toBe(
      [
        "# Title",
        "",
        "- one",
        "- two",
        "  - deeper",
        "",
        "| a      |    b   |",
        "| ------ | :----: |",
        "| x \\| y | `a\\|b` |",
        "",
        "```",
        "code",
        "```",
        "",
        "**bold** and *slanted*\\",
        "next",
        "",
        "---",
        "",
      ].join("\n"),
    );
  });

  const keeps: Record<string, string> = {
    "front matter": "---\ntitle: x_y\ntags: [a, b]\n---\n\n# Title\n",
    "alerts and wiki links": "> [!NOTE]\n> See [[another note]] and [[a_b|c]].\n",
    "words with underscores, prices and formulas": "snake_case_name costs 3*4 = $12, and $a_b$ is [sic] fine ~ so ~ is 2 < 3.\n",
    "escapes and character references": "\\*not bold\\* &copy; &lt;tag&gt; 1\\. x\n",
    "bare links and addresses": "www.example.org, https://example.org/a_b?c=d&e=f and a.b@example.org\n",
    "footnotes, tasks and strikethrough": "Text[^1] ~~gone~~\n\n- [ ] open\n- [x] done\n\n[^1]: The note.\n",
    "reference links": '[Text][Ref] and [Ref]\n\n[Ref]: https://example.org "Title"\n',
    HTML: "<details>\n<summary>More</summary>\n\nText <b>bold</b><br/>\n\n</details>\n",
    "emoji and combined characters": "👩‍👩‍👧 Zoë 漢字 :tada:\n\n| 漢字 | b |\n| :- | - |\n| é | 👍 |\n",
    nothing: "",
  };
  for (const [what, text] of Object.entries(keeps)) {
    test(`keeps ${what}`, () => {
      // Tables are aligned, and that is all that may happen here.
      expect(tidyMarkdown(text).replace(/ +\|/g, " |").replace(/-+/g, "-")).toBe(text.replace(/-+/g, "-"));
    });
  }

  test("writes plain line ends, and one at the end", () => {
    expect(tidyMarkdown("a\r\n\r\nb")).toBe("a\n\nb\n");
  });

  test("does not blow up a table with one long cell", () => {
    const table = `| a | b |\n| - | - |\n| ${"x".repeat(500)} | y |\n${"| 1 | 2 |\n".repeat(50)}`;
    expect(tidyMarkdown(table)).toBe(table);
  });
});

/** What a text says, by another way: its words in order. Lists may be counted anew, and `&amp;` in a URL become `&`. */
function words(text: string): string[] {
  return (text.replace(/&\w+;/g, " ").match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !/^\d+$/.test(word));
}

test("keeps every word of the READMEs that lie around here, changes most of them, and nothing the second time", async () => {
  const folder = join(import.meta.dir, "../../../node_modules");
  const files = [...new Bun.Glob("*/{README,readme,Readme}.md").scanSync({ cwd: folder })].filter(
    (file) => Bun.file(join(folder, file)).size < 10_000,
  );
  let changed = 0;
  for (const file of files.sort().slice(0, 120)) {
    const text = await Bun.file(join(folder, file)).text();
    const tidied = tidyMarkdown(text);
    if (tidied !== text) changed++;
    if (tidyMarkdown(tidied) !== tidied) throw new Error(`${file} changes again when it is tidied again`);
    expect(words(tidied)).toEqual(words(text));
  }
  expect(changed).toBeGreaterThan(50);
}, 60_000);

const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "*",
      "_",
      "`",
      "~",
      "#",
      ">",
      "-",
      "+",
      "|",
      "[",
      "]",
      "(",
      ")",
      "<",
      ">",
      "!",
      "\\",
      "&",
      ":",
      "=",
      "$",
      "^",
      "1.",
      "2)",
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "a",
      "word",
      "x_y",
      "http://a.b/c_d",
      "www.a.de",
      "a@b.de",
      "&lt;",
      "&nbsp;",
      "<b>",
      "<!-- c -->",
      "[^1]",
      "[x]",
      "漢",
      "é",
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      " ",
      "  ",
      "    ",
      "\t",
      "\n",
      "\n\n",
      "\n> ",
      "\n- ",
      "\n  ",
      "\n    ",
      "\n```\n",
      "\n---\n",
      "\n|-|-|\n",
      "\n\n[^1]: ",
      "\n[x]: ",
    ),
  },
);

test("whatever characters come together, no letter is lost and the second time changes nothing", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40, size: "max" }), (pieces) => {
      const text = pieces.join("");
      const tidied = tidyMarkdown(text);
      expect(tidyMarkdown(tidied)).toBe(tidied);
      expect(words(tidied)).toEqual(words(text));
    }),
    { numRuns: 500 },
  );
}, 60_000);
