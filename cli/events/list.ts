import { type Command, Option } from "commander";
import { listUpTo } from "../../src/client/paging.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, position, wholeNumber } from "../options.ts";
import { printJson, remark } from "../output.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./filter-options.ts";
import { tellGap } from "./gap.ts";
import { eventLineFor } from "./line.ts";

export interface ListOptions extends FilterOptions {
  limit: number;
  since?: string;
  after?: string;
  before?: string;
}

export function registerList(events: Command, io: Io): void {
  const command = events
    .command("list")
    .description("read the log's history, oldest first")
    .option("--limit <n>", "at most so many events", wholeNumber(1), 50)
    .option("--since <position>", "begin after an event id, at a time (RFC 3339), so long ago (10m), or earliest", position)
    .addOption(new Option("--after <position>", "the same as --since").argParser(position).conflicts("since"))
    .option("--before <position>", "end before it; of the same kinds", position);
  addServerOptions(addFilterOptions(command))
    .addHelpText(
      "after",
      examples("matric events list --since 1h --events 'Note*'", "matric events list --after 12345 --limit 1000 --json"),
    )
    .action((options: ListOptions, self: Command) => run(options, contextOf(self, io)));
}

export async function run(options: ListOptions, context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const { limit, since, after, before } = options;
  const line = eventLineFor(io);
  const events = listUpTo(limit, async (page) => {
    const found = await client.events.list({ filter: filterOf(options), since, after, before, ...page }, signal);
    if (found.gap) await tellGap(context, found.gap);
    return found;
  });
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
