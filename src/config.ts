import { homedir } from "node:os";
import { join } from "node:path";
import { accessSettings } from "./access-settings.ts";
import { MatricError, messageOf } from "./errors.ts";
import { limitSettings } from "./limit-settings.ts";
import { type LogFormat, type LogLevel, logLevels } from "./logger.ts";
import {
  decimal,
  flagOf,
  httpUrl,
  integer,
  isLoopback,
  names,
  nonEmpty,
  oneOf,
  type Setting,
  setting,
  words,
} from "./setting.ts";

/** Every setting of the server. Names ending in a unit are in that unit. */
export const settings = {
  host: setting({ env: "MATRIC_HOST", default: "127.0.0.1", help: "address to listen on", parse: nonEmpty }),
  port: setting({
    env: "MATRIC_PORT",
    default: 6287,
    help: "port to listen on; 0 takes a free one",
    parse: integer(0, 65_535),
  }),
  tlsCert: setting({
    env: "MATRIC_TLS_CERT",
    default: undefined as string | undefined,
    defaultText: "none: plain HTTP",
    help: "PEM file with the certificate, and after it those between it and its root; with it the server speaks HTTPS only",
    parse: nonEmpty,
  }),
  tlsKey: setting({
    env: "MATRIC_TLS_KEY",
    default: undefined as string | undefined,
    defaultText: "none",
    help: "PEM file with the certificate's key; both files are read again when they change",
    parse: nonEmpty,
  }),
  dataDir: setting({
    env: "MATRIC_DATA_DIR",
    default: join(process.env.XDG_DATA_HOME || join(homedir(), ".local/share"), "matric"),
    defaultText: "$XDG_DATA_HOME/matric, else ~/.local/share/matric",
    help: "where the database lives",
    parse: nonEmpty,
  }),
  durability: setting({
    env: "MATRIC_DURABILITY",
    default: "full" as "full" | "normal",
    help: "`full`: what was answered survives power loss; `normal`: it survives a killed process",
    parse: oneOf("full", "normal"),
  }),
  logFormat: setting({
    env: "MATRIC_LOG_FORMAT",
    default: undefined as LogFormat | undefined,
    defaultText: "`pretty` on a terminal, else `json`",
    help: "form of the server's log on stdout: `json` or `pretty`",
    parse: oneOf("json", "pretty"),
  }),
  logLevel: setting({
    env: "MATRIC_LOG_LEVEL",
    default: "info" as LogLevel,
    help: `least level that is logged: ${logLevels.join(", ")}`,
    parse: oneOf(...logLevels),
  }),
  jobTypes: setting({
    env: "MATRIC_JOB_TYPES",
    default: [] as string[],
    defaultText: "none",
    help: "job types that external workers serve, separated by commas",
    parse: names,
  }),
  jobConcurrency: setting({
    env: "MATRIC_JOB_CONCURRENCY",
    default: 2,
    help: "jobs that the built-in worker runs at once",
    parse: integer(1, 64),
  }),
  jobAttempts: setting({
    env: "MATRIC_JOB_ATTEMPTS",
    default: 3,
    help: "attempts before a job fails for good",
    parse: integer(1, 20),
  }),
  jobLeaseSeconds: setting({
    env: "MATRIC_JOB_LEASE_SECONDS",
    default: 30,
    help: "how long a worker may be silent before its job is given to another",
    parse: integer(1, 3600),
  }),
  aiUrl: setting({
    env: "MATRIC_AI_URL",
    default: undefined as string | undefined,
    defaultText: "none: the built-in reviser tidies Markdown",
    help: "base URL of an OpenAI-compatible server, `https://api.openai.com/v1` for one",
    parse: httpUrl,
  }),
  aiModel: setting({
    env: "MATRIC_AI_MODEL",
    default: undefined as string | undefined,
    defaultText: "none",
    help: "model to ask; required with MATRIC_AI_URL",
    parse: nonEmpty,
  }),
  aiKey: setting({
    env: "MATRIC_AI_KEY",
    default: undefined as string | undefined,
    defaultText: "none",
    help: "key of the AI server",
    parse: nonEmpty,
    isSecret: true,
  }),
  aiIdleSeconds: setting({
    env: "MATRIC_AI_IDLE_SECONDS",
    default: 60,
    help: "how long the AI server may send nothing before the attempt fails",
    parse: integer(1, 3600),
  }),
  aiTotalSeconds: setting({
    env: "MATRIC_AI_TOTAL_SECONDS",
    default: 600,
    help: "how long one answer of the AI server may take in all",
    parse: integer(1, 86_400),
  }),
  webhookAllow: setting({
    env: "MATRIC_WEBHOOK_ALLOW",
    default: [] as string[],
    defaultText: "none",
    help: "private or local addresses that webhooks may be sent to: addresses or host:port, separated by commas",
    parse: words,
  }),
  webhookRequestsMax: setting({
    env: "MATRIC_WEBHOOK_REQUESTS_MAX",
    default: 500,
    help: "requests under way to all webhooks, besides the first of each",
    parse: integer(0, 10_000),
  }),
  deliveryRetentionDays: setting({
    env: "MATRIC_DELIVERY_RETENTION_DAYS",
    default: 7,
    help: "days that finished deliveries of webhooks can be looked at",
    parse: decimal(0.0001, 36_500),
  }),
  deliveriesMax: setting({
    env: "MATRIC_DELIVERIES_MAX",
    default: 100_000,
    help: "deliveries that arrived and can still be looked at",
    parse: integer(0, 100_000_000),
  }),
  adminNotifyUrl: setting({
    env: "MATRIC_ADMIN_NOTIFY_URL",
    default: undefined as string | undefined,
    defaultText: "none",
    help: "is sent a JSON post when a webhook fails; Slack-compatible ones take it, and ntfy as `https://ntfy.example/?topic=ops`",
    parse: httpUrl,
  }),
  retentionDays: setting({
    env: "MATRIC_RETENTION_DAYS",
    default: 7,
    help: "days that events stay in the log",
    parse: decimal(0.0001, 36_500),
  }),
  retentionEvents: setting({
    env: "MATRIC_RETENTION_EVENTS",
    default: 1_000_000,
    help: "events that stay in the log",
    parse: integer(1, 1_000_000_000),
  }),
  sseHeartbeatSeconds: setting({
    env: "MATRIC_SSE_HEARTBEAT_SECONDS",
    default: 15,
    help: "a comment is sent this often on SSE streams; proxies cut what is silent",
    parse: decimal(0.05, 3600),
  }),
  wsPingSeconds: setting({
    env: "MATRIC_WS_PING_SECONDS",
    default: 30,
    help: "a ping is sent this often on WebSockets",
    parse: decimal(0.05, 3600),
  }),
  wsPongTimeoutSeconds: setting({
    env: "MATRIC_WS_PONG_TIMEOUT_SECONDS",
    default: 90,
    help: "a WebSocket that answered no ping for so long is closed",
    parse: decimal(0.1, 3600),
  }),
  slowSeconds: setting({
    env: "MATRIC_SLOW_SECONDS",
    default: 60,
    help: "a stream whose client takes nothing for so long is closed; it can resume",
    parse: decimal(0.1, 3600),
  }),
  pollSeconds: setting({
    env: "MATRIC_POLL_SECONDS",
    default: 25,
    help: "how long a long poll waits for an event before it answers with none",
    parse: decimal(0.05, 300),
  }),
  ...accessSettings,
  ...limitSettings,
  telemetry: setting({
    env: "MATRIC_TELEMETRY",
    default: "on" as "on" | "off",
    help: "whether events are mirrored into the log, and measured for `/metrics` and OTLP",
    parse: oneOf("on", "off"),
  }),
  drainSeconds: setting({
    env: "MATRIC_DRAIN_SECONDS",
    default: 30,
    help: "how long running jobs may go on after SIGTERM",
    parse: decimal(0, 3600),
  }),
};

type Settings = typeof settings;
export type SettingName = keyof Settings;
export type Config = Readonly<{ [Name in SettingName]: Settings[Name]["default"] }>;

/**
 * Reads the configuration once: `flags` (by setting name) win over the environment, that over the defaults.
 * Throws `invalid` with one clear line for the first value that cannot be used.
 */
export function readConfig(flags: Partial<Record<SettingName, string>>, env: Record<string, string | undefined>): Config {
  const entries = Object.entries(settings).map(([name, one]) => [
    name,
    settingFrom(one, flags[name as SettingName], env[one.env]),
  ]);
  const config = Object.freeze(Object.fromEntries(entries)) as Config;
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    throw configError("MATRIC_TLS_CERT", "and MATRIC_TLS_KEY must be set together");
  }
  if (config.aiUrl && !config.aiModel) throw configError("MATRIC_AI_MODEL", "must name a model when MATRIC_AI_URL is set");
  if ((config.jwtIssuer === undefined) !== (config.jwtAudience === undefined)) {
    throw configError("MATRIC_JWT_ISSUER", "and MATRIC_JWT_AUDIENCE must be set together");
  }
  if (config.jwtIssuer !== undefined && config.auth === "off") throw configError("MATRIC_JWT_ISSUER", "needs MATRIC_AUTH=on");
  if (!isLoopback(config.host) && config.auth === "off" && flags.auth !== "off") {
    throw configError(
      "MATRIC_AUTH",
      `must be on when the server listens on ${config.host}, which others can reach; or say --no-auth to let everybody do everything`,
    );
  }
  return config;
}

function settingFrom(one: Setting<unknown>, flag: string | undefined, env: string | undefined): unknown {
  const text = flag ?? env;
  // An empty variable is what `FOO= matric serve` and most unit files mean by "not set".
  if (text === undefined || (flag === undefined && text === "")) return one.default;
  try {
    return one.parse(text);
  } catch (error) {
    throw configError(flag === undefined ? one.env : (flagOf(one) ?? one.env), `${messageOf(error)}, not "${text}"`);
  }
}

function configError(source: string, problem: string): MatricError {
  return new MatricError("invalid", `${source} ${problem}.`, { field: source });
}
