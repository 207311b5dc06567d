import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";

export function registerRetry(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("retry")
    .description("send one delivery again now")
    .argument("<id>", "the webhook")
    .argument("<delivery>", "the delivery");
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks retry 0197a0b2-… 0197c3d4-…"))
    .action((id: string, delivery: string, _options: object, self: Command) => run(id, delivery, contextOf(self, io)));
}

export async function run(id: string, deliveryId: string, context: Context): Promise<void> {
  const delivery = await context.client.webhooks.retry(id, deliveryId, context.signal);
  await printChange(context, delivery, `Delivery ${delivery.id} is sent again.`);
}
