import { describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findMarkdown } from "../../../cli/notes/markdown-files.ts";

async function folder(...files: string[]): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "matric-test-")));
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), "");
  }
  return root;
}

describe("the Markdown files of a folder", () => {
  test("are found in all folders, in order", async () => {
    const root = await folder("b.md", "a/z.MARKDOWN", "a/b/c.Md", "a.txt", "md", "readme.mdx");
    expect(await findMarkdown(root)).toEqual(
      ["a/b/c.Md", "a/z.MARKDOWN", "b.md"].map((shown) => ({ path: join(root, shown), shown })),
    );
  });

  test("hidden ones are left out", async () => {
    expect(await findMarkdown(await folder(".git/a.md", ".hidden.md"))).toEqual([]);
  });

  test("links to files count, links to folders and broken links do not", async () => {
    const root = await folder("a/a.md");
    await symlink(join(root, "a/a.md"), join(root, "link.md"));
    await symlink(root, join(root, "a/loop"));
    await symlink(join(root, "gone"), join(root, "broken.md"));
    expect((await findMarkdown(root)).map(({ shown }) => shown)).toEqual(["a/a.md", "link.md"]);
  });

  test("a folder has the same files however it is named", async () => {
    const root = await folder("x/a.md");
    await symlink(join(root, "x"), join(root, "y"));
    expect(await findMarkdown(join(root, "y"))).toEqual(await findMarkdown(`${root}/x/../x/`));
  });

  test("one file can be named, and what is not there is an error", async () => {
    const root = await folder("a.md");
    expect(await findMarkdown(join(root, "a.md"))).toEqual([{ path: join(root, "a.md"), shown: join(root, "a.md") }]);
    expect(findMarkdown(join(root, "nothing"))).rejects.toThrow("There is no folder");
  });
});
