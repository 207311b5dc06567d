import type { Command } from "commander";
import { listUpTo } from "../../src/client/paging.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printList } from "../output.ts";
import { revisionColumns } from "./columns.ts";

export interface RevisionsOptions {
  limit: number;
}

export function registerRevisions(notes: Command, io: Io): void {
  const command = notes
    .command("revisions")
    .description("list the versions of a note, and the texts that were kept aside for it")
    .argument("<id>", "the note")
    .option("--limit <n>", "at most so many", wholeNumber(1), 50);
  addServerOptions(command)
    .addHelpText("after", examples("matric notes revisions 0197a0b2-…", "matric notes show 0197a0b2-… --revision 3 --content"))
    .action((id: string, options: RevisionsOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, { limit }: RevisionsOptions, context: Context): Promise<void> {
  const { client, signal } = context;
  const revisions = listUpTo(limit, (page) => client.notes.revisions(id, page, signal));
  await printList(context, revisionColumns, await Array.fromAsync(revisions), "There are no revisions.", limit);
}
