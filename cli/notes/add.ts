import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { usage } from "../failure.ts";
import { readText } from "../input.ts";
import type { Io } from "../io.ts";
import { examples, list } from "../options.ts";
import { printChange } from "../output.ts";
import { type ContentOptions, contentOf } from "./content.ts";
import { withEditor } from "./editor.ts";

export interface AddOptions extends ContentOptions {
  title?: string;
  tag?: string[];
}

export function registerAdd(notes: Command, io: Io): void {
  const command = notes
    .command("add")
    .description("add a note; its text comes from --content, --file, stdin, or on a terminal from $EDITOR")
    .option("--title <title>", "its title; the first heading, if not given")
    .option("--content <markdown>", "its text")
    .option("--file <file>", "read the text from a file, or from stdin with -")
    .option("--tag <tag>", "a tag; can be given several times", list);
  addServerOptions(command)
    .addHelpText(
      "after",
      examples(
        "matric notes add --file README.md --tag docs",
        "echo '# Milk' | matric notes add",
        "matric notes add --title Todo --content '- milk'",
      ),
    )
    .action((options: AddOptions, self: Command) => run(options, contextOf(self, io)));
}

export async function run(options: AddOptions, context: Context): Promise<void> {
  const { io } = context;
  const content = await contentOf(options, io);
  if (content !== undefined) await create(options, content, context);
  else if (io.stdin.isTty) await withEditor("", io, (edited) => create(options, edited, context));
  else await create(options, await readText("-", io), context);
}

async function create({ title, tag }: AddOptions, content: string, context: Context): Promise<void> {
  const { client, signal } = context;
  const note = await client.notes.create({ title: title ?? (await titleOf(content)), content, tags: tag ?? [] }, signal);
  await printChange(context, note, `Note ${note.id} was added: ${note.title}`);
}

async function titleOf(content: string): Promise<string> {
  // The Markdown parser is loaded only where it is needed.
  const { aboutMarkdown } = await import("./markdown.ts");
  const { title } = aboutMarkdown(content);
  if (title === undefined) throw usage("The text has no heading to take the title from; give one with --title.");
  return title;
}
