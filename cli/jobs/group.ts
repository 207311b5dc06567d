import type { Command } from "commander";
import { addServerOptions } from "../context.ts";
import type { Io } from "../io.ts";
import { registerCancel } from "./cancel.ts";
import { registerList } from "./list.ts";
import { registerRetry } from "./retry.ts";
import { registerShow } from "./show.ts";
import { registerWatch } from "./watch.ts";

export function registerJobs(program: Command, io: Io): void {
  const jobs = addServerOptions(program.command("jobs")).description("see and steer background jobs");
  registerList(jobs, io);
  registerShow(jobs, io);
  registerWatch(jobs, io);
  registerCancel(jobs, io);
  registerRetry(jobs, io);
}
