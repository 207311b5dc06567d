import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface ShellBlock {
  /** Where it begins in the README, counted from 1. */
  line: number;
  text: string;
  /** The programs it calls, as far as its lines begin with them. */
  programs: string[];
}

const path = join(import.meta.dir, "../../README.md");

/** The blocks marked `sh`, but for the recipes, which have tests of their own. */
export function shellBlocks(): ShellBlock[] {
  const readme = readFileSync(path, "utf8");
  return [...readme.matchAll(/^(<!-- recipe: .*\n)?```sh\n([\s\S]*?)^```$/gm)]
    .filter(([, recipe]) => recipe === undefined)
    .map(({ index, 2: text = "" }) => ({
      line: readme.slice(0, index).split("\n").length + 1,
      text,
      programs: [...new Set(commandLines(text).map(programOf))],
    }));
}

/** Without comments and blank lines, continued lines in one. */
function commandLines(text: string): string[] {
  return text
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => /^[^\s#]/.test(line));
}

/** `A=1 matric serve` and `id=$(matric notes add)` call `matric`. */
function programOf(line: string): string {
  return line.replace(/^(\w+=\$\(|(\w+=\S*\s+)*)/, "").split(/\s/, 1)[0] ?? "";
}
