import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";

export function registerDisable(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("disable")
    .description("send it nothing until it is enabled; its events are held")
    .argument("<id>", "the webhook");
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks disable 0197a0b2-…"))
    .action((id: string, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string, context: Context): Promise<void> {
  const webhook = await context.client.webhooks.disable(id, context.signal);
  await printChange(context, webhook, `Webhook ${webhook.id} is ${webhook.status}.`);
}
