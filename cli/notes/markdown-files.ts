import { readdir, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { usage } from "../failure.ts";

export interface MarkdownFile {
  /** Absolute, without symbolic links above the folder that was named. */
  path: string;
  /** As the user sees it: below the folder that was named. */
  shown: string;
}

const extensions = new Set([".md", ".markdown"]);

/**
 * All Markdown files below `root`, sorted, or `root` itself. Hidden files and folders are left out (`.git`, a trash), and linked
 * folders are not followed, so that a loop cannot be walked for ever.
 */
export async function findMarkdown(root: string): Promise<MarkdownFile[]> {
  const absolute = await realpath(root).catch(() => {
    throw usage(`There is no folder ${root}.`);
  });
  if ((await stat(absolute)).isFile()) return [{ path: absolute, shown: root }];
  return walk(absolute, "");
}

async function walk(root: string, below: string): Promise<MarkdownFile[]> {
  const entries = (await readdir(join(root, below), { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: MarkdownFile[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const shown = join(below, entry.name);
    if (entry.isDirectory()) files.push(...(await walk(root, shown)));
    else if (extensions.has(extname(entry.name).toLowerCase()) && (await isFile(join(root, shown))))
      files.push({ path: join(root, shown), shown });
  }
  return files;
}

/** Also through a link; a broken one is no file. */
async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
