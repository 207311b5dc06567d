import type { Command } from "commander";
import { listUpTo } from "../../src/client/paging.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printList, remark } from "../output.ts";
import { webhookColumns } from "./columns.ts";

interface ListOptions {
  limit: number;
}

export function registerList(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("list")
    .description("list webhooks with their health")
    .option("--limit <n>", "at most so many", wholeNumber(1), 50);
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks list", `matric webhooks list --json | jq -r 'select(.status=="failed").url'`))
    .action((options: ListOptions, self: Command) => run(options, contextOf(self, io)));
}

export async function run({ limit }: ListOptions, context: Context): Promise<void> {
  const { client, signal } = context;
  const webhooks = await Array.fromAsync(listUpTo(limit, (page) => client.webhooks.list(page, signal)));
  await printList(context, webhookColumns, webhooks, "There are no webhooks.", limit);
  const failed = webhooks.filter(({ status }) => status === "failed").length;
  if (failed > 0) {
    await remark(
      context,
      "webhook_failed",
      `${failed} failed; see \`matric webhooks deliveries <id>\`, then \`matric webhooks enable <id>\`.`,
    );
  }
}
