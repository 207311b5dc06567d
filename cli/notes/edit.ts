import type { Command } from "commander";
import type { Note, UpdateNote } from "../../src/notes/contract.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import { usage } from "../failure.ts";
import type { Io } from "../io.ts";
import { examples, list, wholeNumber } from "../options.ts";
import { printChange } from "../output.ts";
import { type ContentOptions, contentOf } from "./content.ts";
import { withEditor } from "./editor.ts";

export interface EditOptions extends ContentOptions {
  title?: string;
  tag?: string[];
  addTag?: string[];
  removeTag?: string[];
  ifVersion?: number;
}

export function registerEdit(notes: Command, io: Io): void {
  const command = notes
    .command("edit")
    .description("change a note; without options its text opens in $EDITOR. Refused when somebody else changed it meanwhile")
    .argument("<id>", "the note")
    .option("--title <title>", "its new title")
    .option("--content <markdown>", "its new text")
    .option("--file <file>", "read the new text from a file, or from stdin with -")
    .option("--tag <tag>", "its tags from now on; can be given several times", list)
    .option("--add-tag <tag>", "one more tag", list)
    .option("--remove-tag <tag>", "one tag less", list)
    .option("--if-version <version>", "only if the note still has this version", wholeNumber(1));
  addServerOptions(command)
    .addHelpText(
      "after",
      examples("matric notes edit 0197a0b2-…", "matric notes edit 0197a0b2-… --title 'New title' --add-tag done"),
    )
    .action((id: string, options: EditOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, options: EditOptions, context: Context): Promise<void> {
  const { client, io, signal } = context;
  const note = await client.notes.get(id, signal);
  const changes: UpdateNote = { title: options.title, content: await contentOf(options, io), tags: tagsAfter(note, options) };
  if (Object.values(changes).some((value) => value !== undefined)) return update(note, changes, options, context);
  if (!io.stdin.isTty)
    throw usage("There is nothing to change: give --title, --content, --file, --tag, --add-tag or --remove-tag.");
  await withEditor(note.content, io, (content) => update(note, { content }, options, context));
}

async function update(note: Note, changes: UpdateNote, { ifVersion }: EditOptions, context: Context): Promise<void> {
  const { client, signal } = context;
  const updated = await client.notes.update(note.id, changes, { ifVersion: ifVersion ?? note.version, signal });
  const isChanged = updated.version !== note.version;
  await printChange(
    context,
    updated,
    isChanged ? `Note ${note.id} now has version ${updated.version}.` : `Nothing changed in note ${note.id}.`,
  );
}

function tagsAfter(note: Note, { tag, addTag = [], removeTag = [] }: EditOptions): string[] | undefined {
  if (tag === undefined && addTag.length === 0 && removeTag.length === 0) return undefined;
  return [...new Set([...(tag ?? note.tags), ...addTag])].filter((one) => !removeTag.includes(one));
}
