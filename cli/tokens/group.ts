import type { Command } from "commander";
import { addServerOptions } from "../context.ts";
import type { Io } from "../io.ts";
import { registerCreate } from "./create.ts";
import { registerList } from "./list.ts";
import { registerRevoke } from "./revoke.ts";

export function registerTokens(program: Command, io: Io): void {
  const tokens = addServerOptions(program.command("tokens")).description("make, list and revoke access tokens");
  registerCreate(tokens, io);
  registerList(tokens, io);
  registerRevoke(tokens, io);
}
