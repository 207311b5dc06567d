import type { Command } from "commander";
import type { EventFilter } from "../../src/client/filter-query.ts";
import { someOf } from "../options.ts";

export interface FilterOptions {
  events?: string[];
  topics?: string[];
  note?: string[];
  job?: string[];
}

/** The options that say which events are meant. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--events <names>", "only these events; Job* is a family, job.completed another spelling", someOf)
    .option("--topics <topics>", "only these topics: notes, jobs, queue, webhooks, custom, note:<id>, job:<id>", someOf)
    .option("--note <id>", "only events about this note", someOf)
    .option("--job <id>", "only events about this job", someOf);
}

export function filterOf({ events, topics, note, job }: FilterOptions): EventFilter {
  return { events, topics, noteIds: note, jobIds: job };
}
