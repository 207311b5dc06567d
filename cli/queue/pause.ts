import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { showQueue } from "./show.ts";

export function registerPause(queue: Command, io: Io): void {
  const command = queue.command("pause").description("let workers take no more jobs; what runs goes on");
  addServerOptions(command)
    .addHelpText("after", examples("matric queue pause"))
    .action((_options: object, self: Command) => run(contextOf(self, io)));
}

export async function run(context: Context): Promise<void> {
  await showQueue(await context.client.queue.pause(context.signal), context);
}
