import { type Command, Option } from "commander";
import { listUpTo } from "../../src/client/paging.ts";
import { type Job, JobStatus } from "../../src/jobs/contract.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printList } from "../output.ts";
import { jobColumns } from "./columns.ts";

export interface ListOptions {
  status?: Job["status"];
  type?: string;
  note?: string;
  limit: number;
}

export function registerList(jobs: Command, io: Io): void {
  const command = jobs
    .command("list")
    .description("list jobs, newest first")
    .addOption(new Option("--status <status>", "only jobs in this state").choices(JobStatus.anyOf.map((one) => one.const)))
    .option("--type <type>", "only jobs of this type")
    .option("--note <id>", "only jobs about this note")
    .option("--limit <n>", "at most so many", wholeNumber(1), 50);
  addServerOptions(command)
    .addHelpText("after", examples("matric jobs list --status failed"))
    .action((options: ListOptions, self: Command) => run(options, contextOf(self, io)));
}

export async function run({ status, type, note, limit }: ListOptions, context: Context): Promise<void> {
  const { client, signal } = context;
  const jobs = listUpTo(limit, (page) => client.jobs.list({ ...page, status, type, note_id: note }, signal));
  await printList(context, jobColumns, await Array.fromAsync(jobs), "There are no such jobs.", limit);
}
