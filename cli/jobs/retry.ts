import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";

export function registerRetry(jobs: Command, io: Io): void {
  const command = jobs.command("retry").description("run a job again that failed or was cancelled").argument("<id>", "the job");
  addServerOptions(command)
    .addHelpText(
      "after",
      examples(
        "matric jobs retry 0197a0b2-…",
        "matric jobs list --status failed --json | jq -r .id | xargs -n 1 matric jobs retry",
      ),
    )
    .action((id: string, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string, context: Context): Promise<void> {
  const job = await context.client.jobs.retry(id, context.signal);
  await printChange(context, job, `Job ${job.id} is ${job.status} again.`);
}
