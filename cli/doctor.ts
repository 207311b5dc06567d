import type { Command } from "commander";
import { ClientError } from "../src/client/errors.ts";
import { type Config, readConfig } from "../src/config.ts";
import { messageOf } from "../src/errors.ts";
import { certificateFiles } from "../src/http/certificate.ts";
import { addServerOptions, type Context, contextOf, optionsOf, serverAddress } from "./context.ts";
import { checkCertificate } from "./doctor/certificate.ts";
import { type Finding, ok, problem, skipped, warning } from "./doctor/finding.ts";
import { checkClock, checkOpenFiles } from "./doctor/machine.ts";
import { checkEgress, checkStreaming } from "./doctor/network.ts";
import { checkDataDir, checkSpace, checkSync } from "./doctor/storage.ts";
import { Failure } from "./failure.ts";
import type { Io } from "./io.ts";
import { examples, list } from "./options.ts";
import { orInterrupted } from "./or-interrupted.ts";
import { printJson } from "./output.ts";
import { paintFor } from "./paint.ts";
import { printable } from "./printable.ts";
import { unknownSettings } from "./unknown-settings.ts";

interface Options {
  dataDir?: string;
  publicUrl?: string;
  webhookUrl?: string[];
  token?: string;
  url?: string;
}

/** Of registered webhooks so many different hosts are tried. */
const hostsMax = 10;
const serverTimeoutMs = 5000;
const everywhere = ["0.0.0.0/0", "::/0"];

const marks = {
  ok: ["green", "ok"],
  warning: ["yellow", "warning"],
  problem: ["red", "problem"],
  skipped: ["dim", "skipped"],
} as const;

export function registerDoctor(program: Command, io: Io): void {
  const command = program
    .command("doctor")
    .description("check this machine's set-up, and say what to do about each finding (exit code 1 if there is a problem)")
    .option("--data-dir <dir>", "where the database lives, or is to live (MATRIC_DATA_DIR)")
    .option("--public-url <url>", "address at which clients reach the server through a proxy: checks that streams pass it")
    .option("--webhook-url <url>", "receiver that is to be reached from here; without it those of registered webhooks", list)
    .addHelpText("after", examples("matric doctor", "matric doctor --public-url https://notes.example --token mtr_…"));
  addServerOptions(command).action((_options: object, self: Command) => run(optionsOf<Options>(self), contextOf(self, io)));
}

export async function run(options: Options, context: Context): Promise<void> {
  const problems = await orInterrupted(examine(options, context), context.signal);
  if (problems > 0) throw new Failure("unfit", problems === 1 ? "There is a problem." : `There are ${problems} problems.`);
}

/** Tells each finding as soon as it is there; resolves to the number of problems. */
async function examine(options: Options, context: Context): Promise<number> {
  const { io } = context;
  const config = readConfig(options.dataDir === undefined ? {} : { dataDir: options.dataDir }, io.env);
  const findings: Finding[] = [];
  const add = async (finding: Finding) => {
    findings.push(finding);
    await print(finding, context);
  };
  for (const { name, nearest } of unknownSettings(io.env))
    await add(warning("settings", `${name} is none`, nearest ? `Did you mean ${nearest}?` : "See `matric serve --help`."));
  await add(checkDataDir(config.dataDir));
  await add(checkSpace(config.dataDir));
  await add(checkSync(config.dataDir));
  await add(checkOpenFiles(config.connectionsMax));
  await add(await checkClock(() => serverTime(context.client.url)));
  await add(checkCertificate(certificateFiles(config), Date.now()));
  await add(await checkServer(context));
  if (options.publicUrl === undefined) await add(skipped("proxy", "give --public-url to see whether streams pass it"));
  else await add(await checkStreaming(options.publicUrl, serverAddress(options, io).token));
  for (const finding of await egress(options, config, context)) await add(finding);
  return findings.filter(({ status }) => status === "problem").length;
}

async function print({ check, status, message, advice }: Finding, context: Context): Promise<void> {
  if (context.json) return printJson(context, { check, status, message, advice: advice ?? null });
  const { io } = context;
  const paint = paintFor(io.stdout, io);
  const [colour, word] = marks[status];
  await io.stdout.write(`${paint(colour, word.padEnd(8))}${printable(`${check}: ${message}`)}\n`);
  if (advice) await io.stdout.write(`        ${printable(advice)}\n`);
}

async function checkServer({ client }: Context): Promise<Finding> {
  const check = "server";
  try {
    const { status, version } = await client.server.health();
    if (status === "ok") return ok(check, `matric ${version} at ${client.url} is well`);
    return problem(check, `matric ${version} at ${client.url} is ${status}`, "Wait until it has started, or see its log.");
  } catch (error) {
    if (error instanceof ClientError && error.code === "unreachable")
      return skipped(check, `none is running at ${client.url}; start one with \`matric serve\`, or name another one with --url`);
    const message = messageOf(error);
    return problem(check, message, "See the server's log, or name another one with --url.");
  }
}

async function serverTime(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(new URL("/health", url), { signal: AbortSignal.timeout(serverTimeoutMs) });
    await response.body?.cancel();
    const time = Date.parse(response.headers.get("date") ?? "");
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  }
}

async function egress({ webhookUrl }: Options, config: Config, { client, io }: Context): Promise<Finding[]> {
  const check = "webhooks";
  let urls = webhookUrl ?? [];
  let allow = config.webhookAllow;
  if (urls.length === 0) {
    // The server took them by its own MATRIC_WEBHOOK_ALLOW, which this shell need not have.
    allow = everywhere;
    try {
      const { items } = await client.webhooks.list({ limit: 500 }, AbortSignal.timeout(serverTimeoutMs));
      urls = [...new Map(items.map(({ url }) => [new URL(url).host, url])).values()].slice(0, hostsMax);
    } catch {
      return [skipped(check, "the registered ones cannot be asked for; name a receiver with --webhook-url")];
    }
  }
  if (urls.length === 0) return [skipped(check, "none are registered; name a receiver with --webhook-url")];
  const findings = await Promise.all(urls.map((url) => checkEgress(url, allow)));
  const proxy = io.env.HTTPS_PROXY ?? io.env.https_proxy;
  return proxy ? [...findings, skipped(check, "HTTPS_PROXY is set; matric sends webhooks directly")] : findings;
}
