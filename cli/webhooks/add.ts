import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { usage } from "../failure.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printJson } from "../output.ts";
import { renderPairs } from "../table.ts";
import { addSettingOptions, type SettingOptions, settingsOf } from "./settings.ts";

interface AddOptions extends SettingOptions {
  secret?: string;
}

export function registerAdd(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("add")
    .description("register a URL that is sent events; prints its secret, once")
    .argument("<url>", "http or https");
  addSettingOptions(command).option("--secret <secret>", "signs the requests; one is made if not given");
  addServerOptions(command)
    .addHelpText(
      "after",
      examples(
        "matric webhooks add https://ci.example.com/hook --events NoteUpdated,JobCompleted",
        "matric webhooks add https://example.com/all --events '*' --format cloudevents",
      ),
    )
    .action((url: string, options: AddOptions, self: Command) => run(url, options, contextOf(self, io)));
}

export async function run(url: string, options: AddOptions, context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const { events, ...settings } = settingsOf(options);
  if (!events) throw usage("Say with --events which events it is sent; --events '*' is all of them.");
  const { secret } = options;
  const created = await client.webhooks.create({ url, events, ...settings, ...(secret === undefined ? {} : { secret }) }, signal);
  if (json) return printJson(context, created);
  await io.stdout.write(
    renderPairs(io, [
      ["id", created.id],
      ["url", created.url],
      ["secret", created.secret],
    ]),
  );
  if (io.stdout.isTty) await io.stderr.write("Keep the secret: it is not shown again.\n");
}
