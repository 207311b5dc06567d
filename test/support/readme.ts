import { readFileSync } from "node:fs";
import { join } from "node:path";

export const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");

/** The code that stands below `<!-- recipe: name -->`. */
export function recipe(name: string): string {
  const code = new RegExp(`<!-- recipe: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (code === undefined) throw new Error(`the README has no recipe for ${name}`);
  return code;
}

/** The queries below `<!-- queries: language -->`, by what the comment before each says it is for. */
export function queries(language: string): { about: string; query: string }[] {
  const block = new RegExp(`<!-- queries: ${language} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1] ?? "";
  return block
    .trim()
    .split("\n\n")
    .map((one) => {
      const [comment = "", ...lines] = one.split("\n");
      return { about: comment.replace(/^(#|\/\/) /, ""), query: lines.join("\n") };
    });
}
