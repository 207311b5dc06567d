import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";

export function registerCancel(jobs: Command, io: Io): void {
  const command = jobs.command("cancel").description("cancel a job that waits or runs").argument("<id>", "the job");
  addServerOptions(command)
    .addHelpText("after", examples("matric jobs cancel 0197a0b2-…"))
    .action((id: string, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string, context: Context): Promise<void> {
  const job = await context.client.jobs.cancel(id, context.signal);
  await printChange(context, job, `Job ${job.id} is ${job.status}.`);
}
