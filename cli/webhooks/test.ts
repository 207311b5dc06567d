import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { Failure } from "../failure.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printJson } from "../output.ts";

export function registerTest(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("test")
    .description("send a test event now and tell the answer")
    .argument("<id>", "the webhook");
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks test 0197a0b2-…"))
    .action((id: string, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string, context: Context): Promise<void> {
  const tested = await context.client.webhooks.test(id, context.signal);
  const { status, error_code, error, duration_ms } = tested.attempt;
  const outcome = status === null ? (error ?? error_code ?? "no answer") : String(status);
  if (context.json) await printJson(context, tested);
  else await context.io.stdout.write(`${outcome} in ${Math.round(duration_ms.total)} ms\n`);
  if (!tested.delivered) throw new Failure(error_code ?? "not_delivered", `The test event was not taken: ${outcome}.`);
}
