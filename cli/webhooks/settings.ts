import { type Command, Option } from "commander";
import type { UpdateWebhook } from "../../src/webhooks/contract.ts";
import { usage } from "../failure.ts";
import { each, list, wholeNumber } from "../options.ts";

export interface SettingOptions {
  events?: string[];
  topics?: string[];
  description?: string;
  header?: string[];
  maxConcurrency?: number;
  rateLimit?: number | "none";
  ordered?: boolean;
  format?: "matric" | "cloudevents";
}

/** The options that say what a webhook is sent, and how. */
export function addSettingOptions(command: Command): Command {
  return command
    .option("--events <names>", "which events: names, Job* for a family, '*' for all", list)
    .option("--topics <topics>", "only these topics: notes, jobs, queue, webhooks, custom, note:<id>, job:<id>", list)
    .option("--description <text>", "for people")
    .option("--header <line>", "a header sent along, as 'Name: value'; can be given several times", each)
    .option("--max-concurrency <n>", "requests under way at once", wholeNumber(1, 100))
    .option("--rate-limit <n>", "requests begun per second, or none", rateLimit)
    .option("--ordered", "one request at a time, in the order of the log")
    .option("--no-ordered", "several at a time")
    .addOption(new Option("--format <format>", "what is sent").choices(["matric", "cloudevents"]));
}

/** Only what was given. */
export function settingsOf(options: SettingOptions): UpdateWebhook {
  const { events, topics, description, header, maxConcurrency, rateLimit, ordered, format } = options;
  const settings: UpdateWebhook = {};
  if (events) settings.events = events;
  if (topics) settings.topics = topics;
  if (description !== undefined) settings.description = description;
  if (header) settings.headers = headersFrom(header);
  if (maxConcurrency !== undefined) settings.max_concurrency = maxConcurrency;
  if (rateLimit !== undefined) settings.rate_limit_per_second = rateLimit === "none" ? null : rateLimit;
  if (ordered !== undefined) settings.ordered = ordered;
  if (format !== undefined) settings.format = format;
  return settings;
}

/** `Name: value` lines as an object. */
export function headersFrom(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      if (colon < 1) throw usage(`"${line}" is not a header; write it as 'Name: value'.`);
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}

/** Not null for none: commander takes that for a missing value. */
function rateLimit(text: string): number | "none" {
  return text === "none" ? "none" : wholeNumber(1, 1000)(text);
}
