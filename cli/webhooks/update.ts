import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { usage } from "../failure.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";
import { addSettingOptions, type SettingOptions, settingsOf } from "./settings.ts";

interface UpdateOptions extends SettingOptions {
  sendTo?: string;
}

export function registerUpdate(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("update")
    .description("change a webhook; what is not named stays as it is")
    .argument("<id>", "the webhook")
    .option("--send-to <url>", "the URL that is sent events");
  addServerOptions(addSettingOptions(command))
    .addHelpText(
      "after",
      examples(
        "matric webhooks update 0197a0b2-… --events 'Note*,JobFailed'",
        "matric webhooks update 0197a0b2-… --send-to https://new.example/hook --rate-limit none",
      ),
    )
    .action((id: string, options: UpdateOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, options: UpdateOptions, context: Context): Promise<void> {
  const { sendTo } = options;
  const changes = { ...settingsOf(options), ...(sendTo === undefined ? {} : { url: sendTo }) };
  if (Object.keys(changes).length === 0)
    throw usage("Nothing to change was named; see --help. Where events are sent is --send-to, --url is the server.");
  const webhook = await context.client.webhooks.update(id, changes, context.signal);
  await printChange(context, webhook, `Webhook ${webhook.id} was changed.`);
}
