import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { settings } from "../../src/config.ts";

const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");

test("the README's table of settings says what the program does", () => {
  const rows = Object.values(settings).map(({ env, help, defaultText, default: value }) => {
    const byDefault = defaultText ?? `\`${value}\``;
    return `| \`${env}\` | ${byDefault} | ${help} |`;
  });
  const table = ["| variable | default | what |", "|---|---|---|", ...rows].join("\n");
  const shown = /<!-- settings:.*?-->\n([\s\S]*?)<!-- \/settings -->/.exec(readme)?.[1]?.trim();
  // To mend a difference, copy the expected text into the README.
  expect(shown).toBe(table);
});
