import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
/** Without blocks of code, in which `#` begins a comment. */
const prose = readme.replace(/^```[\s\S]*?^```$/gm, "");
const headings = [...prose.matchAll(/^(#+) (.*)$/gm)].map(([, marks = "", text = ""]) => ({ level: marks.length, text }));
const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);

/** As GitHub makes it of a heading. */
function anchorOf(text: string): string {
  return `#${text
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-")}`;
}

test("links within the README lead to a heading, those to files to a file", () => {
  const anchors = headings.map(({ text }) => anchorOf(text));
  const local = links.filter((target) => !/^https?:/.test(target));
  expect(local.length).toBeGreaterThan(10);
  expect(
    local.filter((target) => (target.startsWith("#") ? !anchors.includes(target) : !existsSync(join(root, target)))),
  ).toEqual([]);
});

test("every section stands in the table of contents, in the order of the sections", () => {
  const contents = /^\*\*Use it:\*\*[\s\S]*?\n\n/m.exec(readme)?.[0] ?? "";
  const listed = [...contents.matchAll(/\]\((#[^)]+)\)/g)].map(([, anchor = ""]) => anchor);
  expect(listed).toEqual(headings.filter(({ level }) => level === 2).map(({ text }) => anchorOf(text)));
});
