import { type Clock, timestamp } from "./clock.ts";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** `atMs` is when it happened (milliseconds since 1970), if that was not now. */
type Log = (message: string, fields?: LogFields, atMs?: number) => void;

/** The server's own log: one line per thing worth knowing. Messages are constant text; what varies goes into fields. */
export interface Logger {
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
  enabled(level: LogLevel): boolean;
  /** The same log under another target (`matric::http`). */
  as(target: string): Logger;
}

/** Takes whole lines, each with its newline; must never block or throw. */
export interface LineSink {
  write(line: string): void;
}

export type LogFormat = "json" | "pretty";

export interface LoggerOptions {
  clock: Clock;
  sink: LineSink;
  level: LogLevel;
  format: LogFormat;
  colour?: boolean;
}

export function createLogger(options: LoggerOptions, target = "matric"): Logger {
  const { clock, sink, level: least, format, colour = false } = options;
  const taken = new Set(logLevels.slice(logLevels.indexOf(least)));
  const enabled = (level: LogLevel) => taken.has(level);
  const render = format === "json" ? jsonLine : prettyLine;
  const log =
    (level: LogLevel): Log =>
    (message, fields = {}, atMs = clock.now()) => {
      if (enabled(level)) sink.write(render({ at: atMs, level, target, message, fields, colour }));
    };
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    enabled,
    as: (name) => createLogger(options, name),
  };
}

/** Says nothing: for tests and commands that have no log of their own. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  enabled: () => false,
  as: () => silentLogger,
};

interface Entry {
  at: number;
  level: LogLevel;
  target: string;
  message: string;
  fields: LogFields;
  colour: boolean;
}

const levelNames = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" } as const;

function jsonLine({ at, level, target, message, fields }: Entry): string {
  return `${JSON.stringify({ timestamp: timestamp(at), level: levelNames[level], target, fields, message })}\n`;
}

const ansi = { debug: 90, info: 36, warn: 33, error: 31 } as const;

function prettyLine({ at, level, target, message, fields, colour }: Entry): string {
  const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const details = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${paint(90, `${key}=`)}${typeof value === "string" ? quoted(value) : value}`);
  const time = timestamp(at).slice(11, 23);
  const head = `${paint(90, time)} ${paint(ansi[level], level.toUpperCase().padEnd(5))} ${paint(90, target)} ${message}`;
  return `${[head, ...details].join(" ")}\n`;
}

// A value with a newline or an escape sequence must not be able to forge a second line or repaint the terminal.
function quoted(text: string): string {
  return /^[\w.:/@%+,=*-]+$/.test(text) ? text : JSON.stringify(text).replace(/[\u007f-\u009f]/g, "?");
}
