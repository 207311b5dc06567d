import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";

export function registerRemove(webhooks: Command, io: Io): void {
  const command = webhooks.command("remove").description("remove a webhook with its deliveries").argument("<id>", "the webhook");
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks remove 0197a0b2-…"))
    .action((id: string, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string, context: Context): Promise<void> {
  await context.client.webhooks.remove(id, context.signal);
  await printChange(context, { id }, `Webhook ${id} was removed.`);
}
