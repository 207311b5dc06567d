import { type Command, Option } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { type App, createApp } from "../src/app.ts";
import { systemClock } from "../src/clock.ts";
import { type Config, readConfig, type SettingName, settings } from "../src/config.ts";
import { createLogger, type Logger } from "../src/logger.ts";
import { StdoutSink } from "../src/stdout.ts";
import { otlpOptions } from "../src/telemetry/otlp/options.ts";
import { exitCode } from "./failure.ts";
import type { Io } from "./io.ts";

export function registerServe(program: Command, io: Io): void {
  const command = program
    .command("serve")
    .description("run the server until SIGINT or SIGTERM, then drain")
    .addHelpText(
      "after",
      "\nEvery setting, also those without a flag, can be given by its environment variable; the README lists them all.",
    );
  for (const one of Object.values(settings)) {
    if (!one.flag) continue;
    const by = one.defaultText ?? String(one.default);
    command.addOption(new Option(`--${one.flag} <value>`, `${one.help} (${one.env}, default ${by})`));
  }
  command
    .addOption(new Option("--no-auth", "let everybody who reaches the server do everything"))
    .action(({ auth, ...flags }: Flags) => run({ ...flags, ...(auth === undefined ? {} : { auth: auth || "off" }) }, io));
}

/** As commander gives them: `--no-auth` is `auth: false`. */
type Flags = Partial<Record<Exclude<SettingName, "auth">, string>> & { auth?: string | false };

/** Resolves when the server has drained after a signal. A second signal ends the process at once. */
export async function run(flags: Partial<Record<SettingName, string>>, io: Io): Promise<void> {
  const config = readConfig(flags, io.env);
  const sink = new StdoutSink();
  const logger = serverLogger(config, sink, io);
  let app: App;
  try {
    const otlp = config.telemetry === "on" ? otlpOptions(io.env) : undefined;
    const linesDropped = () => sink.dropped;
    app = await createApp(config, { clock: systemClock, logger, fetch, version: packageJson.version, otlp, linesDropped });
  } catch (error) {
    await sink.flush();
    throw error;
  }
  // Not in the log, which is kept and sent around.
  if (app.firstToken !== undefined) await io.stderr.write(`access token with all rights, shown this once: ${app.firstToken}\n`);
  logger.info("listening", { url: app.url.href, data_dir: config.dataDir, version: packageJson.version, pid: process.pid });
  const signal = await firstSignal();
  logger.info("draining", { signal });
  for (const again of ["SIGINT", "SIGTERM"] as const) process.on(again, () => process.exit(exitCode.interrupted));
  await app.stop();
  logger.info("stopped");
  await sink.flush();
}

function serverLogger(config: Config, sink: StdoutSink, io: Io): Logger {
  const format = config.logFormat ?? (io.stdout.isTty ? "pretty" : "json");
  const colour = io.stdout.isTty && !io.env.NO_COLOR;
  return createLogger({ clock: systemClock, sink, level: config.logLevel, format, colour });
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  });
}
