import type { Command } from "commander";
import { addServerOptions } from "../context.ts";
import type { Io } from "../io.ts";
import { registerList } from "./list.ts";
import { registerPublish } from "./publish.ts";
import { registerTail } from "./tail.ts";

export function registerEvents(program: Command, io: Io): void {
  const events = addServerOptions(program.command("events")).description("follow, read and publish events");
  registerTail(events, io);
  registerList(events, io);
  registerPublish(events, io);
}
