import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { showQueue } from "./show.ts";

export function registerStatus(queue: Command, io: Io): void {
  const command = queue.command("status").description("see how many jobs wait and run");
  addServerOptions(command)
    .addHelpText("after", examples("matric queue status", "matric queue status --json | jq .pending"))
    .action((_options: object, self: Command) => run(contextOf(self, io)));
}

export async function run(context: Context): Promise<void> {
  await showQueue(await context.client.queue.status(context.signal), context);
}
