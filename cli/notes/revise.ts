import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { assertCompleted, followJob } from "../jobs/follow.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";

export interface ReviseOptions {
  instructions?: string;
  wait?: boolean;
}

export function registerRevise(notes: Command, io: Io): void {
  const command = notes
    .command("revise")
    .description("let the AI revise a note, in a background job")
    .argument("<id>", "the note")
    .option("--instructions <text>", "what to do to the text, in words")
    .option("--wait", "show its progress and end with it (exit code 1 if it failed)");
  addServerOptions(command)
    .addHelpText(
      "after",
      examples("matric notes revise 0197a0b2-… --wait", "matric notes revise 0197a0b2-… --instructions 'Translate into French'"),
    )
    .action((id: string, options: ReviseOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, { instructions, wait }: ReviseOptions, context: Context): Promise<void> {
  const queued = await context.client.notes.revise(id, instructions === undefined ? {} : { instructions }, context.signal);
  if (!wait) return printChange(context, queued, `Job ${queued.id} is queued; see it with: matric jobs watch ${queued.id}`);
  const job = await followJob(queued.id, context);
  await printChange(context, job, `Job ${job.id} is ${job.status}${job.message === null ? "." : `: ${job.message}`}`);
  assertCompleted(job);
}
