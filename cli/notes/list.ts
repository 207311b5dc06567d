import type { Command } from "commander";
import { listUpTo } from "../../src/client/paging.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printList } from "../output.ts";
import { noteColumns } from "./columns.ts";

export interface ListOptions {
  search?: string;
  tag?: string;
  limit: number;
}

export function registerList(notes: Command, io: Io): void {
  const command = notes
    .command("list")
    .description("list notes, the last changed first, or the best match first with --search")
    .option("-q, --search <words>", "only notes with all these words in title, text or tags")
    .option("--tag <tag>", "only notes with this tag")
    .option("--limit <n>", "at most so many", wholeNumber(1), 50);
  addServerOptions(command)
    .addHelpText(
      "after",
      examples("matric notes list --search 'event log'", "matric notes list --tag docs --limit 1000 --json | jq -r .title"),
    )
    .action((options: ListOptions, self: Command) => run(options, contextOf(self, io)));
}

export async function run({ search, tag, limit }: ListOptions, context: Context): Promise<void> {
  const { client, signal } = context;
  const notes = listUpTo(limit, (page) => client.notes.list({ ...page, q: search, tag }, signal));
  await printList(context, noteColumns, await Array.fromAsync(notes), "There are no such notes.", limit);
}
