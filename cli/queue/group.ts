import type { Command } from "commander";
import { addServerOptions } from "../context.ts";
import type { Io } from "../io.ts";
import { registerPause } from "./pause.ts";
import { registerResume } from "./resume.ts";
import { registerStatus } from "./status.ts";

export function registerQueue(program: Command, io: Io): void {
  const queue = addServerOptions(program.command("queue")).description("see and steer the job queue");
  registerStatus(queue, io);
  registerPause(queue, io);
  registerResume(queue, io);
}
