import type { Command } from "commander";
import type { Job } from "../../src/jobs/contract.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printJson } from "../output.ts";
import { renderPairs } from "../table.ts";

export function registerShow(jobs: Command, io: Io): void {
  const command = jobs.command("show").description("show one job").argument("<id>", "the job");
  addServerOptions(command)
    .addHelpText("after", examples("matric jobs show 0197a0b2-…", "matric jobs show 0197a0b2-… --json | jq .result"))
    .action((id: string, _options: object, self: Command) => run(id, contextOf(self, io)));
}

export async function run(id: string, context: Context): Promise<void> {
  const job = await context.client.jobs.get(id, context.signal);
  if (context.json) await printJson(context, job);
  else await context.io.stdout.write(renderPairs(context.io, pairsOf(job)));
}

function pairsOf(job: Job): [string, string][] {
  const pairs: [string, unknown][] = [
    ["id", job.id],
    ["type", job.type],
    ["note", job.note_id],
    ["status", job.status],
    ["progress", `${Math.floor(job.progress)} %`],
    ["message", job.message],
    ["priority", job.priority],
    ["attempt", `${job.attempt} of ${job.max_attempts}`],
    ["error code", job.error_code],
    ["error", job.error],
    ["result", job.result],
    ["created", job.created_at],
    ["started", job.started_at],
    ["finished", job.finished_at],
  ];
  return pairs
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
}
