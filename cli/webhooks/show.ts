import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printJson } from "../output.ts";
import { renderPairs } from "../table.ts";

export function registerShow(webhooks: Command, io: Io): void {
  const command = webhooks.command("show").description("show one webhook").argument("<id>", "the webhook");
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks show 0197a0b2-…"))
    .action((id: string, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string, context: Context): Promise<void> {
  const webhook = await context.client.webhooks.get(id, context.signal);
  if (context.json) return printJson(context, webhook);
  const pairs = Object.entries(webhook)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]): [string, string] => [
      name.replaceAll("_", " "),
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
  await context.io.stdout.write(renderPairs(context.io, pairs));
}
