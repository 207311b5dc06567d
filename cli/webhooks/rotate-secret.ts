import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printJson } from "../output.ts";
import { renderPairs } from "../table.ts";

interface RotateOptions {
  secret?: string;
  overlap?: number;
}

export function registerRotateSecret(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("rotate-secret")
    .description("sign with a new secret; for a while the former one signs along")
    .argument("<id>", "the webhook")
    .option("--secret <secret>", "the new secret; one is made if not given")
    .option("--overlap <seconds>", "how long the former one signs along (a day, if not given)", wholeNumber(0, 604_800));
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks rotate-secret 0197a0b2-… --overlap 3600"))
    .action((id: string, options: RotateOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, { secret, overlap }: RotateOptions, context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const request = {
    ...(secret === undefined ? {} : { secret }),
    ...(overlap === undefined ? {} : { overlap_seconds: overlap }),
  };
  const rotated = await client.webhooks.rotateSecret(id, request, signal);
  if (json) return printJson(context, rotated);
  await io.stdout.write(
    renderPairs(io, [
      ["secret", rotated.secret],
      ["former until", rotated.previous_expires_at],
    ]),
  );
}
