import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printChange } from "../output.ts";

export interface RestoreOptions {
  revision?: number;
}

export function registerRestore(notes: Command, io: Io): void {
  const command = notes
    .command("restore")
    .description("bring a deleted note back, or make an older version of a note its newest")
    .argument("<id>", "the note")
    .option("--revision <version>", "the version to restore, or a text that was kept aside", wholeNumber(1));
  addServerOptions(command)
    .addHelpText("after", examples("matric notes restore 0197a0b2-…", "matric notes restore 0197a0b2-… --revision 3"))
    .action((id: string, options: RestoreOptions, self: Command) => run(id, options, contextOf(self, io)));
}

export async function run(id: string, { revision }: RestoreOptions, context: Context): Promise<void> {
  const { notes } = context.client;
  const note =
    revision === undefined ? await notes.restore(id, context.signal) : await notes.restoreRevision(id, revision, context.signal);
  await printChange(context, note, `Note ${note.id} is back and has version ${note.version}.`);
}
