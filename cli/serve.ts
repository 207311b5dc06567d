import { type Command, Option } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { accessSettings } from "../src/access-settings.ts";
import { type App, createApp } from "../src/app.ts";
import { systemClock } from "../src/clock.ts";
import { type Config, readConfig, type SettingName, settings } from "../src/config.ts";
import { limitSettings } from "../src/limit-settings.ts";
import { createLogger, type Logger } from "../src/logger.ts";
import { flagOf } from "../src/setting.ts";
import { StdoutSink } from "../src/stdout.ts";
import { otlpOptions } from "../src/telemetry/otlp/options.ts";
import { exitCode } from "./failure.ts";
import type { Io } from "./io.ts";
import { examples } from "./options.ts";
import { hasColour } from "./paint.ts";
import { unknownSettings } from "./unknown-settings.ts";

type Flags = Partial<Record<SettingName, string>>;

export function registerServe(program: Command, io: Io): void {
  const command = program.command("serve").description("run the server until SIGINT or SIGTERM, then drain");
  const options = settingOptions();
  for (const [, option] of options) command.addOption(option);
  command
    .addOption(new Option("--no-auth", "let everybody who reaches the server do everything").helpGroup(accessHeading))
    .addHelpText(
      "after",
      examples(
        "matric serve --port 8080 --data-dir ./data",
        "MATRIC_AI_URL=http://localhost:11434/v1 MATRIC_AI_MODEL=llama3.2 matric serve",
        "matric serve --host 0.0.0.0 --auth on",
      ),
    )
    .action((given: Record<string, string | boolean>) => run(flagsFrom(given, options), io));
}

const accessHeading = "Who may do what:";

/** One for every setting that may be a flag. */
function settingOptions(): [SettingName, Option][] {
  return (Object.keys(settings) as SettingName[]).flatMap((name): [SettingName, Option][] => {
    const { env, help, defaultText, default: value } = settings[name];
    const flag = flagOf(settings[name]);
    if (flag === undefined) return [];
    const option = new Option(`${flag} <value>`, `${help} (${env}, default ${defaultText ?? value})`);
    if (name in accessSettings) option.helpGroup(accessHeading);
    if (name in limitSettings) option.helpGroup("Limits:");
    return [[name, option]];
  });
}

/** `--no-auth` is `auth: false`. */
function flagsFrom(given: Record<string, string | boolean>, options: readonly [SettingName, Option][]): Flags {
  const values = options.map(([name, option]) => [name, given[option.attributeName()]] as const);
  return Object.fromEntries(
    values.filter(([, value]) => value !== undefined).map(([name, value]) => [name, value === false ? "off" : value]),
  );
}

/** After a second signal nobody wants to wait. */
const lastLinesMs = 100;

/** Resolves when the server has drained after a signal. A second signal ends the process at once. */
export async function run(flags: Flags, io: Io): Promise<void> {
  const config = readConfig(flags, io.env);
  const sink = new StdoutSink();
  const logger = serverLogger(config, sink, io);
  // What one callback did not catch must not end everybody's streams; whatever was to be stored is stored, or was refused.
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) =>
      logger.error("unexpected error", { error: error instanceof Error ? error.stack : String(error) }),
    );
  }
  for (const { name, nearest } of unknownSettings(io.env)) logger.warn("unknown setting", { name, did_you_mean: nearest });
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
  const endNow = async () => {
    app.tell();
    await sink.flush(lastLinesMs);
    process.exit(exitCode.interrupted);
  };
  for (const again of ["SIGINT", "SIGTERM"] as const) process.on(again, endNow);
  await app.stop();
  logger.info("stopped");
  await sink.flush();
}

function serverLogger(config: Config, sink: StdoutSink, io: Io): Logger {
  const format = config.logFormat ?? (io.stdout.isTty ? "pretty" : "json");
  const colour = hasColour(io.stdout, io);
  return createLogger({ clock: systemClock, sink, level: config.logLevel, format, colour });
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  });
}
