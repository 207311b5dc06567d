import type { Command } from "commander";
import { messageOf } from "../../src/errors.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { usage } from "../failure.ts";
import { readText } from "../input.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printJson } from "../output.ts";

export interface PublishOptions {
  data: string;
  subject?: string;
}

export function registerPublish(events: Command, io: Io): void {
  const command = events
    .command("publish")
    .description("publish an event of your own")
    .argument("<name>", "a PascalCase name that is not one of matric's own")
    .option("--data <json>", "a JSON object; @file reads it from a file, - from stdin", "{}")
    .option("--subject <subject>", "what the event is about");
  addServerOptions(command)
    .addHelpText(
      "after",
      examples(
        `matric events publish DeployFinished --data '{"ok":true}'`,
        "build-report | matric events publish BuildFinished --data -",
      ),
    )
    .action((name: string, options: PublishOptions, self: Command) => run(name, options, contextOf(self, io)));
}

export async function run(event: string, { data, subject }: PublishOptions, context: Context): Promise<void> {
  const { client, io, json, signal } = context;
  const id = await client.events.publish({ event, data: parseObject(await dataText(data, io)), subject }, signal);
  if (json) await printJson(context, { id });
  else await io.stdout.write(`${id}\n`);
}

async function dataText(data: string, io: Io): Promise<string> {
  if (data === "-") return readText("-", io);
  return data.startsWith("@") ? readText(data.slice(1), io) : data;
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw usage(`--data is not valid JSON: ${messageOf(cause)}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw usage('--data must be a JSON object like {"ok":true}.');
  return { ...value };
}
