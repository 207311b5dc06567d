import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure, reportOf, usage } from "../failure.ts";
import type { Io } from "../io.ts";

/**
 * Lets the user change `text` in $VISUAL or $EDITOR and hands the outcome to `use`. When `use` fails, the changed text is kept
 * in its file and the error says where.
 */
export async function withEditor<Result>(text: string, io: Io, use: (edited: string) => Promise<Result>): Promise<Result> {
  const editor = io.env.VISUAL || io.env.EDITOR;
  if (!editor) throw usage("There is no editor to open: set EDITOR, or give the text with --content, --file or on stdin.");
  const folder = await mkdtemp(join(tmpdir(), "matric-"));
  const file = join(folder, "note.md");
  await writeFile(file, text, { mode: 0o600 });
  // The variable may hold arguments of its own: `code --wait`.
  const child = Bun.spawn(["/bin/sh", "-c", `${editor} "$1"`, "sh", file], { stdin: "inherit", stdout: 2, stderr: "inherit" });
  if ((await io.withoutInterrupts(() => child.exited)) !== 0)
    throw new Failure("editor_failed", `The editor (${editor}) failed; the text is in ${file}.`);
  const result = await keeping(file, async () => use(await readFile(file, "utf8")));
  await rm(folder, { recursive: true });
  return result;
}

async function keeping<Result>(file: string, use: () => Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (cause) {
    const { exit, error } = reportOf(cause);
    throw new Failure(error.code, `${error.message} Your text is kept in ${file}.`, exit, { cause });
  }
}
