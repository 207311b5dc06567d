import { type Command, Option } from "commander";
import type { CreatedToken, CreateToken, TokenPage } from "../../src/auth/contract.ts";
import type { PageQuery } from "../../src/client/paging.ts";
import { systemClock } from "../../src/clock.ts";
import { readConfig } from "../../src/config.ts";
import { createCore } from "../../src/core.ts";
import { requireDatabase } from "../../src/db/open.ts";
import { MatricError } from "../../src/errors.ts";
import { silentLogger } from "../../src/logger.ts";
import { addServerOptions, type Context, contextOf, dataDirOf } from "../context.ts";
import { Failure } from "../failure.ts";
import type { Io } from "../io.ts";

/** Whoever keeps the tokens: a server, or on its machine its data directory. */
export interface TokenKeeper {
  create(token: CreateToken): Promise<CreatedToken>;
  list(page: PageQuery): Promise<TokenPage>;
  revoke(id: string): Promise<void>;
}

/** The options of every command about tokens. */
export function addKeeperOptions(command: Command): Command {
  const help = "the server's data directory, on its machine and while it does not run (MATRIC_DATA_DIR)";
  return addServerOptions(command.addOption(new Option("--data-dir <dir>", help)));
}

/**
 * Runs `work` with the keeper that the options name: a directory, unless there is an address; else the server. A directory without
 * data is refused with exit code 2, and nothing is made in it, unless it `mayBeNew`.
 */
export async function withKeeper(
  command: Command,
  io: Io,
  work: (keeper: TokenKeeper, context: Context) => Promise<void>,
  { mayBeNew = false } = {},
): Promise<void> {
  const context = contextOf(command, io);
  const dataDir = dataDirOf(command, io);
  if (dataDir !== undefined && !mayBeNew) requireDatabase(dataDir);
  if (dataDir !== undefined) return inDirectory(dataDir, (keeper) => work(keeper, context));
  const { client, signal } = context;
  const keeper: TokenKeeper = {
    create: (token) => client.tokens.create(token, signal),
    list: (page) => client.tokens.list(page, signal),
    revoke: (id) => client.tokens.revoke(id, signal),
  };
  return work(keeper, context);
}

async function inDirectory(dataDir: string, work: (keeper: TokenKeeper) => Promise<void>): Promise<void> {
  const core = open(dataDir);
  const { tokens } = core.access;
  try {
    await work({
      create: (token) => tokens.create(token),
      list: async ({ limit = 50, cursor }) => tokens.list({ limit, cursor }),
      revoke: (id) => tokens.revoke(id),
    });
  } finally {
    await core.drain();
    core.close();
  }
}

function open(dataDir: string) {
  const outside = { clock: systemClock, logger: silentLogger, fetch, version: "" };
  try {
    return createCore(readConfig({ dataDir }, {}), outside);
  } catch (cause) {
    if (!(cause instanceof MatricError) || cause.code !== "already_running") throw cause;
    const message = `A server runs on ${dataDir}: ask it, with --url and --token instead of --data-dir, or stop it first.`;
    throw new Failure("already_running", message, undefined, { cause });
  }
}
