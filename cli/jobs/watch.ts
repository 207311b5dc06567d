import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { run as tail } from "../events/tail.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";
import { assertCompleted, followJob } from "./follow.ts";

export function registerWatch(jobs: Command, io: Io): void {
  const command = jobs
    .command("watch")
    .description("watch one job until it ends (exit code 1 if it failed), or everything that happens to jobs")
    .argument("[id]", "the job");
  addServerOptions(command)
    .addHelpText("after", examples("matric jobs watch", "matric jobs watch 0197a0b2-…"))
    .action((id: string | undefined, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string | undefined, context: Context): Promise<void> {
  if (id === undefined) return tail({ topics: ["jobs"] }, context);
  const job = await followJob(id, context);
  await printChange(context, job, `Job ${job.id} is ${job.status}.`);
  assertCompleted(job);
}
