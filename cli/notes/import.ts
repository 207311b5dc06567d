import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { Failure } from "../failure.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printJson, remark } from "../output.ts";
import { paintFor } from "../paint.ts";
import { printable } from "../printable.ts";
import { ProgressBar } from "../progress.ts";
import { type ImportedFile, importFile } from "./import-file.ts";
import { findMarkdown } from "./markdown-files.ts";

/** Files on their way at once: enough to hide the network, few enough for any server. */
const concurrency = 8;

export function registerImport(notes: Command, io: Io): void {
  const command = notes
    .command("import")
    .description(
      "import a folder of Markdown files (.md, .markdown), with its folders; run again, it brings over only what changed",
    )
    .argument("<dir>", "the folder, or one file");
  addServerOptions(command)
    .addHelpText(
      "after",
      `\nThe title is the front matter's, else the first heading, else the file's name; the front matter's tags become tags.
A file is known again by its absolute path. One that has not changed since leaves its note alone, even if the note was
edited or revised meanwhile; one that has changed gives its note a new version. Nothing is ever deleted.
${examples("matric notes import ~/notes", "matric notes import docs --json | jq -r 'select(.outcome==\"failed\").path'")}`,
    )
    .action((dir: string, _options: object, self: Command) => run(dir, contextOf(self, io)));
}

export async function run(dir: string, context: Context): Promise<void> {
  const { client, io, signal } = context;
  const files = await findMarkdown(dir);
  const bar = new ProgressBar(io.stderr);
  const counts = { created: 0, updated: 0, unchanged: 0, failed: 0 };
  let done = 0;
  const queue = files.values();
  const work = async () => {
    for (const file of queue) {
      const imported = await importFile(file, client, signal);
      counts[imported.outcome]++;
      done++;
      await bar.clear();
      await report(imported, context);
      await bar.show(done / files.length, `${done} of ${files.length}  ${file.shown}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, work));
  } finally {
    await bar.clear();
  }
  const { created, updated, unchanged, failed } = counts;
  if (!context.json)
    await remark(
      context,
      "summary",
      `${files.length} files: ${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed.`,
    );
  if (failed > 0) throw new Failure("import_incomplete", `${failed} of ${files.length} files could not be imported.`);
}

/** As JSON every file is told, otherwise those with news. */
async function report(imported: ImportedFile, context: Context): Promise<void> {
  const { io, json } = context;
  const { path, outcome, note_id, error } = imported;
  if (json) return printJson(context, imported);
  if (outcome === "unchanged") return;
  if (outcome === "failed") return remark(context, "import_failed", `${path}: ${error}`);
  const paint = paintFor(io.stdout, io);
  await io.stdout.write(
    io.stdout.isTty
      ? `${paint(outcome === "created" ? "green" : "yellow", outcome)}  ${paint("dim", note_id ?? "")}  ${printable(path)}\n`
      : `${outcome}\t${note_id}\t${printable(path)}\n`,
  );
}
