import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, position } from "../options.ts";
import { printJson } from "../output.ts";

interface ReplayOptions {
  since: string;
  until?: string;
  onlyFailed?: boolean;
  dryRun?: boolean;
}

export function registerReplay(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("replay")
    .description("send a span of the log again")
    .argument("<id>", "the webhook")
    .requiredOption(
      "--since <position>",
      "begin after an event id, at a time (RFC 3339), so long ago (10m), or earliest",
      position,
    )
    .option("--until <position>", "of the same kinds; now, if not given", position)
    .option("--only-failed", "only what was given up")
    .option("--dry-run", "only count");
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks replay <id> --since 1h --dry-run"))
    .action((id: string, options: ReplayOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, options: ReplayOptions, context: Context): Promise<void> {
  const { since, until, onlyFailed = false, dryRun = false } = options;
  const request = { since, only_failed: onlyFailed, dry_run: dryRun, ...(until === undefined ? {} : { until }) };
  const replay = await context.client.webhooks.replay(id, request, context.signal);
  if (context.json) return printJson(context, replay);
  const what = replay.dry_run ? "would be sent" : "will be sent";
  await context.io.stdout.write(
    `${replay.events} event${replay.events === 1 ? "" : "s"} ${what} again, after ${replay.from} up to ${replay.to}\n`,
  );
}
