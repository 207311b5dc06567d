import { type Command, Option } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { createClient } from "../src/client/client.ts";
import { systemClock } from "../src/clock.ts";
import { readConfig } from "../src/config.ts";
import { MatricError } from "../src/errors.ts";
import { createFilter } from "../src/events/filter.ts";
import { createLogger, type Logger } from "../src/logger.ts";
import type { Backend } from "../src/mcp/backend.ts";
import type { ChannelOptions } from "../src/mcp/channel.ts";
import { ClientBackend } from "../src/mcp/client-backend.ts";
import { addServerOptions, optionsOf, serverAddress } from "./context.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./events/filter-options.ts";
import { usage } from "./failure.ts";
import type { Io } from "./io.ts";
import { examples, seconds } from "./options.ts";

export interface McpOptions extends FilterOptions {
  url?: string;
  token?: string;
  dataDir?: string;
  channel?: boolean;
  every: number;
  includeAgents?: boolean;
}

/** What an agent is told of by itself: what others do to notes, and how jobs end. */
const channelEvents = ["Note*", "JobCompleted", "JobFailed"];

export function registerMcp(program: Command, io: Io): void {
  const command = program
    .command("mcp")
    .description("an MCP server over stdio, for agents that start a command")
    .option("--data-dir <directory>", "work on the data itself, where no server runs")
    .option("--channel", "push events into the agent's session (Claude Code channels)");
  addFilterOptions(command)
    .addOption(
      new Option("--every <seconds>", "with --channel: at most one message within so long").argParser(seconds).default(5),
    )
    .option("--include-agents", "with --channel: also what agents do, its own changes among it");
  addServerOptions(command)
    .addHelpText(
      "after",
      examples(
        "claude mcp add matric -- matric mcp",
        "claude mcp add matric -- matric mcp --url https://notes.example --token mtr_…",
        "matric mcp --channel --events 'Note*,JobFailed' --every 10",
      ),
    )
    .action((_options: McpOptions, self: Command) => run(optionsOf<McpOptions>(self), io));
}

/** Resolves when the agent has closed its end. stdout belongs to the protocol; what else there is to say goes to stderr. */
export async function run(options: McpOptions, io: Io): Promise<void> {
  if (options.dataDir !== undefined && options.url !== undefined) throw usage("Give either --data-dir or --url.");
  const channel = channelOf(options);
  const logger = createLogger({
    clock: systemClock,
    sink: { write: (line) => process.stderr.write(line) },
    level: "warn",
    format: "pretty",
  });
  if (io.stdin.isTty)
    await io.stderr.write("This speaks MCP over stdin and stdout, for an agent that starts it; Ctrl-C ends it.\n");
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const { backend, close } = options.dataDir === undefined ? remote(options, io) : await local(options.dataDir, logger, io);
  try {
    // Not above: nobody who asks for help should wait for it.
    const { serveStdioClient } = await import("../src/mcp/stdio.ts");
    await serveStdioClient({
      backend,
      clock: systemClock,
      logger: logger.as("matric::mcp"),
      version: packageJson.version,
      stdin: process.stdin,
      stdout: process.stdout,
      ...(channel && { channel }),
      signal: stop.signal,
    });
  } finally {
    await close();
  }
}

interface Opened {
  backend: Backend;
  close: () => Promise<void>;
}

function remote(options: McpOptions, io: Io): Opened {
  const client = createClient({ ...serverAddress(options, io), actor: "agent" });
  return { backend: new ClientBackend(client, systemClock), close: async () => {} };
}

/** The engines at work in this process, with nobody else able to reach them. */
async function local(dataDir: string, logger: Logger, io: Io): Promise<Opened> {
  const [{ createCore }, { EngineBackend }] = await Promise.all([
    import("../src/core.ts"),
    import("../src/mcp/engine-backend.ts"),
  ]);
  const config = readConfig({ dataDir }, io.env);
  const core = openCore(() => createCore(config, { clock: systemClock, logger, fetch, version: packageJson.version }));
  await core.start();
  return {
    backend: new EngineBackend(core),
    async close() {
      await core.drain();
      core.close();
    },
  };
}

function openCore<Core>(open: () => Core): Core {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof MatricError) || error.code !== "already_running") throw error;
    throw new MatricError("already_running", `${error.message} Leave --data-dir out, and name that server with --url.`);
  }
}

function channelOf(options: McpOptions): ChannelOptions | undefined {
  const { events, topics, noteIds, jobIds } = filterOf(options);
  const isFiltered = [events, topics, noteIds, jobIds].some((list) => list !== undefined);
  if (!options.channel) {
    if (isFiltered) throw usage("--events, --topics, --note and --job say what --channel pushes; without it they mean nothing.");
    return undefined;
  }
  const filter = isFiltered ? { events, topics, noteIds, jobIds } : { events: channelEvents };
  // A misspelt name must not wait for the first connection to be found out.
  createFilter(filter);
  return { filter, everyMs: options.every * 1000, includeAgents: options.includeAgents ?? false };
}
