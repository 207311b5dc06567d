import type { Command } from "commander";
import { listUpTo } from "../../src/client/paging.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printJson, remark } from "../output.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./filter-options.ts";
import { eventLineFor } from "./line.ts";

export interface ListOptions extends FilterOptions {
  limit: number;
  after?: string;
  before?: string;
}

export function registerList(events: Command, io: Io): void {
  const command = events
    .command("list")
    .description("read the log's history, oldest first")
    .option("--limit <n>", "at most so many events", wholeNumber(1), 50)
    .option("--after <position>", "events after this one: an event id, a time (RFC 3339), 10m, earliest")
    .option("--before <position>", "events before this one");
  addServerOptions(addFilterOptions(command))
    .addHelpText(
      "after",
      examples("matric events list --after 1h --events 'Note*'", "matric events list --after 12345 --limit 1000 --json"),
    )
    .action((options: ListOptions, self: Command) => run(options, contextOf(self, io)));
}

export async function run(options: ListOptions, context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const { limit, after, before } = options;
  const line = eventLineFor(io);
  const events = listUpTo(limit, (page) => client.events.list({ filter: filterOf(options), after, before, ...page }, signal));
  let count = 0;
  let last: string | undefined;
  for await (const event of events) {
    count++;
    last = event.id;
    if (json) await printJson(context, event);
    else await io.stdout.write(line(event));
  }
  if (count === limit && io.stdout.isTty && !json) await remark(context, "more", `There may be more: --after ${last}`);
}
