import { type Command, Option } from "commander";
import { type Client, createClient } from "../src/client/client.ts";
import { usage } from "./failure.ts";
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

/** The options of every command that talks to a server, and of its groups: they may stand anywhere. */
export function addServerOptions(command: Command): Command {
  const heading = "Server options:";
  return command
    .addOption(new Option("--url <url>", `address of the server (MATRIC_URL, default ${defaultUrl})`).helpGroup(heading))
    .addOption(new Option("--token <token>", "access token (MATRIC_TOKEN)").helpGroup(heading))
    .addOption(new Option("--json", "write JSON: one value, or one per line for lists and streams").helpGroup(heading));
}

export interface JsonOption {
  json?: boolean;
}

/** The option of commands that talk to no server. */
export function jsonOption(): Option {
  return new Option("--json", "write one JSON value");
}

export function contextOf(command: Command, io: Io): Context {
  const { url, token, json } = optionsOf<{ url?: string; token?: string; json?: boolean }>(command);
  return {
    io,
    client: createClient(serverAddress({ url, token }, io)),
    json: json ?? false,
    signal: io.interrupts(),
  };
}

/** What was given to a command and to those before it (`matric --json notes list`); the last word counts. */
export function optionsOf<Options extends object>(command: Command): Options {
  const own = command.opts<Options>();
  return command.parent ? { ...optionsOf<Options>(command.parent), ...own } : own;
}

/** The data directory to work on itself; undefined when a server is to be asked: one was named, or no directory was. */
export function dataDirOf(command: Command, { env }: Io): string | undefined {
  const { dataDir, url } = optionsOf<{ dataDir?: string; url?: string }>(command);
  return dataDir ?? (url || env.MATRIC_URL ? undefined : env.MATRIC_DATA_DIR || undefined);
}

/** Which server is meant, and how to be let in. */
export function serverAddress({ url, token }: { url?: string | undefined; token?: string | undefined }, { env }: Io) {
  const shown = (token ?? env.MATRIC_TOKEN)?.trim();
  // A header could not hold it, and the server would seem to be away.
  if (shown !== undefined && /[^\x21-\x7e]/.test(shown)) throw usage("The access token has blanks or special characters in it.");
  // An empty variable counts as not set.
  return { url: url ?? (env.MATRIC_URL || defaultUrl), token: shown };
}
