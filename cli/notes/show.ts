import type { Command } from "commander";
import { isImportTag, type Note, type Revision } from "../../src/notes/contract.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printJson } from "../output.ts";
import { printable } from "../printable.ts";
import { renderPairs } from "../table.ts";

export interface ShowOptions {
  revision?: number;
  content?: boolean;
}

export function registerShow(notes: Command, io: Io): void {
  const command = notes
    .command("show")
    .description("show a note")
    .argument("<id>", "the note")
    .option("--revision <version>", "an older version of it, or a text that was kept aside", wholeNumber(1))
    .option("--content", "write the text only, unchanged");
  addServerOptions(command)
    .addHelpText("after", examples("matric notes show 0197a0b2-…", "matric notes show 0197a0b2-… --content > note.md"))
    .action((id: string, options: ShowOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, { revision, content }: ShowOptions, context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const found = revision === undefined ? await client.notes.get(id, signal) : await client.notes.revision(id, revision, signal);
  if (json) return printJson(context, found);
  const { isTty } = io.stdout;
  const text = isTty ? printable(found.content, "block") : found.content;
  if (!content) await io.stdout.write(`${renderPairs(io, pairsOf(found))}${isTty ? "" : "--"}\n`);
  await io.stdout.write(content || text.endsWith("\n") ? text : `${text}\n`);
}

function pairsOf(found: Note | Revision): [string, string][] {
  const { title, tags, version, created_at } = found;
  const isNote = "updated_at" in found;
  return [
    ["title", title],
    ["tags", tags.filter((tag) => !isImportTag(tag)).join(", ")],
    ["id", isNote ? found.id : found.note_id],
    ["version", String(version)],
    ["created", created_at],
    isNote ? ["updated", found.updated_at] : ["source", `${found.source}${found.applied ? "" : ", kept aside"}`],
  ];
}
