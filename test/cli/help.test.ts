import { describe, expect, test } from "bun:test";
import { runProgram } from "../../cli/program.ts";
import { fakeIo } from "../support/fake-io.ts";

async function helpOf(path: readonly string[]): Promise<string> {
  const { io, stdout, stderr } = fakeIo();
  stdout.columns = 200;
  expect(await runProgram([...path, "--help"], io, "0.0.0")).toBe(0);
  expect(stderr.text).toBe("");
  return stdout.text;
}

/** The lines of a section, each as what it names and what it says about that. */
function entriesOf(help: string, ...headings: string[]): [name: string, about: string][] {
  return headings.flatMap((heading) => {
    const section = new RegExp(`^${heading}\n((?: .*\n)+)`, "m").exec(help)?.[1] ?? "";
    return [...section.matchAll(/^ {2}(\S.*?)(?: {2,}(.*))?$/gm)].map(([, name = "", about = ""]): [string, string] => [
      name,
      about,
    ]);
  });
}

async function commandsBelow(path: readonly string[]): Promise<string[][]> {
  const names = entriesOf(await helpOf(path), "Commands:").map(([name]) => name.split(" ")[0] ?? "");
  if (names.length === 0) return [[...path]];
  return (await Promise.all(names.filter((name) => name !== "help").map((name) => commandsBelow([...path, name])))).flat();
}

const commands = (await commandsBelow([])).map((path) => path.join(" "));

test("there is a command for everything that the product promises", () => {
  const promised = `serve, events tail, events list, events publish, webhooks add, webhooks list, webhooks show, webhooks update,
    webhooks remove, webhooks enable, webhooks disable, webhooks test, webhooks rotate-secret, webhooks deliveries, webhooks retry,
    webhooks replay, webhooks listen, webhooks verify, notes add, notes list, notes show, notes edit, notes remove, notes revise,
    notes revisions, notes restore, notes import, jobs list, jobs show, jobs cancel, jobs retry, jobs watch, queue status, queue pause,
    queue resume, tokens create, tokens list, tokens revoke, mcp, status, doctor, backup, restore, completion`;
  for (const command of promised.split(/,\s+/)) expect(commands).toContain(command);
});

describe.each(commands)("matric %s --help", (command) => {
  test("says what it does, what each argument and option is, and how it is used", async () => {
    const help = await helpOf(command.split(" "));
    const [usage = "", , description = ""] = help.split("\n");
    expect(usage).toStartWith(`Usage: matric ${command} [options]`);
    expect(description).not.toBe("");
    expect(help).toMatch(new RegExp(`^(Examples:|Install it:)\n(.*\n)* .*matric ${command}`, "m"));
    const entries = entriesOf(help, "Arguments:", "Options:", "Server options:", "Limits:", "Who may do what:");
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.filter(([, about]) => about === "")).toEqual([]);
  });
});
