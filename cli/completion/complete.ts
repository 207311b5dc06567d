import type { Argument, Command, Option } from "commander";
import { createClient } from "../../src/client/client.ts";
import { serverAddress } from "../context.ts";
import type { Io } from "../io.ts";
import { printable } from "../printable.ts";
import { type Candidate, valuesOf } from "./values.ts";

/** Where in a command line the cursor is. */
interface Place {
  command: Command;
  /** Whose value is to come. */
  option: Option | undefined;
  /** How many arguments stand before. */
  argument: number;
  /** Values of options so far. */
  given: Record<string, string>;
}

/**
 * Writes what the last of `words` may become, one candidate per line with a tab and what it is; nothing where any text may stand.
 * Never fails: somebody is typing.
 */
export async function complete(program: Command, words: readonly string[], io: Io): Promise<void> {
  const typed = words.at(-1) ?? "";
  const candidates = await candidatesAt(placeOf(program, words.slice(0, -1)), typed, io).catch(() => []);
  const lines = candidates
    .filter(([value]) => value.startsWith(typed))
    .map(([value, about]) => `${printable(value)}\t${printable(about.split("\n", 1)[0] ?? "")}\n`);
  await io.stdout.write(lines.join(""));
}

function placeOf(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, option: undefined, argument: 0, given: {} };
  for (const word of words) {
    const { command, option } = place;
    const named = command.commands.find((one) => one.name() === word);
    if (option) {
      place.given[option.attributeName()] = word;
      place.option = undefined;
    } else if (word.startsWith("-")) {
      place.option = optionNamed(word, command);
    } else if (named) {
      place.command = named;
    } else if (command.commands.length === 0) {
      place.argument++;
    }
  }
  return place;
}

/** One that takes a value. */
function optionNamed(word: string, { options }: Command): Option | undefined {
  return options.find((one) => one.required && (one.long === word || one.short === word));
}

async function candidatesAt(place: Place, typed: string, io: Io): Promise<Candidate[]> {
  const { command, option, argument } = place;
  if (option) return valuesFor(option, option.long ?? "", typed, place, io);
  const [, flag = "", value = ""] = /^(--[^=]+)=(.*)$/.exec(typed) ?? [];
  const named = optionNamed(flag, command);
  if (named) {
    const values = await valuesFor(named, flag, value, place, io);
    return values.map(([one, about]): Candidate => [`${flag}=${one}`, about]);
  }
  if (typed.startsWith("-")) return optionsOf(command);
  if (command.commands.length > 0) return command.commands.map((one): Candidate => [one.name(), one.description()]);
  const arguments_ = command.registeredArguments;
  const next = arguments_[argument] ?? arguments_.findLast(({ variadic }) => variadic);
  return next ? valuesFor(next, `${command.parent?.name()} ${next.name()}`, typed, place, io) : optionsOf(command);
}

async function valuesFor(
  { argChoices }: Option | Argument,
  name: string,
  typed: string,
  { given }: Place,
  io: Io,
): Promise<Candidate[]> {
  if (argChoices) return argChoices.map((value): Candidate => [value, ""]);
  return valuesOf(name, typed, () => createClient(serverAddress(given, io)));
}

function optionsOf({ options }: Command): Candidate[] {
  const shown = options.filter(({ hidden }) => !hidden).map(({ long, description }): Candidate => [long ?? "", description]);
  return [...shown, ["--help", "show this help"]];
}
