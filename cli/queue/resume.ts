import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { showQueue } from "./show.ts";

export function registerResume(queue: Command, io: Io): void {
  const command = queue.command("resume").description("let workers take jobs again");
  addServerOptions(command)
    .addHelpText("after", examples("matric queue resume"))
    .action((_options: object, self: Command) => run(contextOf(self, io)));
}

export async function run(context: Context): Promise<void> {
  await showQueue(await context.client.queue.resume(context.signal), context);
}
