import { type Command, Option } from "commander";
import { type Client, createClient } from "../src/client/client.ts";
import type { Io } from "./io.ts";

const defaultUrl = "http://127.0.0.1:6287";

/** What a command that talks to a server works with. */
export interface Context {
  io: Io;
  client: Client;
  json: boolean;
  /** Aborts on Ctrl-C, and when nobody reads our output any more. */
  signal: AbortSignal;
}

/** The options of every command that talks to a server. They may stand before the command, too. */
export function addServerOptions(command: Command): Command {
  const heading = "Server options:";
  return command
    .addOption(new Option("--url <url>", `address of the server (MATRIC_URL, default ${defaultUrl})`).helpGroup(heading))
    .addOption(new Option("--token <token>", "access token (MATRIC_TOKEN)").helpGroup(heading))
    .addOption(new Option("--json", "write JSON: one value, or one per line for lists and streams").helpGroup(heading));
}

export function contextOf(command: Command, io: Io): Context {
  const { url, token, json } = command.optsWithGlobals<{ url?: string; token?: string; json?: boolean }>();
  return {
    io,
    client: createClient(serverAddress({ url, token }, io)),
    json: json ?? false,
    signal: io.interrupts(),
  };
}

/** Which server is meant, and how to be let in. */
export function serverAddress({ url, token }: { url?: string | undefined; token?: string | undefined }, { env }: Io) {
  // An empty variable counts as not set.
  return { url: url ?? (env.MATRIC_URL || defaultUrl), token: token ?? env.MATRIC_TOKEN };
}
