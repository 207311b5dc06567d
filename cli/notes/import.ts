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
  const { client, io, json, signal } = context;
  const files = await findMarkdown(dir);
  const tally = new Tally(files.length, context);
  const queue = files.values();
  const work = async () => {
    for (const file of queue) await tally.add(await importFile(file, client, signal));
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, work));
  } finally {
    await tally.end();
  }
  if (!json) await io.stderr.write(`${tally.summary()}\n`);
  const { failed } = tally.counts;
  if (failed > 0) throw new Failure("import_incomplete", `${failed} of ${counted(files.length)} could not be imported.`);
}

/** Tells of every file as it is done, below it the progress. */
class Tally {
  readonly counts = { created: 0, updated: 0, unchanged: 0, failed: 0 };
  #done = 0;
  readonly #bar: ProgressBar;
  /** Files come from several workers; what is written of one must not run into another's. */
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly total: number,
    private readonly context: Context,
  ) {
    this.#bar = new ProgressBar(context.io.stderr);
  }

  add(imported: ImportedFile): Promise<void> {
    this.counts[imported.outcome]++;
    this.#done++;
    const progress = [this.#done / this.total, `${this.#done} of ${this.total}  ${imported.path}`] as const;
    this.#writing = this.#writing.then(() => this.#write(imported, progress));
    return this.#writing;
  }

  end(): Promise<void> {
    return this.#bar.clear();
  }

  summary(): string {
    const { created, updated, unchanged, failed } = this.counts;
    return `${counted(this.total)}: ${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed.`;
  }

  async #write(imported: ImportedFile, [fraction, text]: readonly [number, string]): Promise<void> {
    if (this.context.json || imported.outcome !== "unchanged") {
      await this.#bar.clear();
      await report(imported, this.context);
      await this.context.io.stdout.flush();
    }
    await this.#bar.show(fraction, text);
  }
}

function counted(files: number): string {
  return files === 1 ? "1 file" : `${files} files`;
}

async function report(imported: ImportedFile, context: Context): Promise<void> {
  const { io, json } = context;
  const { path, outcome, note_id, error } = imported;
  if (json) return printJson(context, imported);
  if (outcome === "failed") return remark(context, "import_failed", `${path}: ${error}`);
  const paint = paintFor(io.stdout, io);
  await io.stdout.write(
    io.stdout.isTty
      ? `${paint(outcome === "created" ? "green" : "yellow", outcome)}  ${paint("dim", note_id ?? "")}  ${printable(path)}\n`
      : `${outcome}\t${note_id}\t${printable(path)}\n`,
  );
}
