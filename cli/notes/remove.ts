import type { Command } from "commander";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples } from "../options.ts";
import { printChange } from "../output.ts";

export function registerRemove(notes: Command, io: Io): void {
  const command = notes
    .command("remove")
    .description("delete notes; `matric notes restore` brings them back")
    .argument("<id...>", "the notes");
  addServerOptions(command)
    .addHelpText("after", examples("matric notes remove 0197a0b2-…"))
    .action((ids: string[], _options: object, self: Command) => run(ids, contextOf(self, io)));
}

export async function run(ids: readonly string[], context: Context): Promise<void> {
  for (const id of ids) {
    await context.client.notes.remove(id, { signal: context.signal });
    await printChange(context, { id }, `Note ${id} was deleted; bring it back with: matric notes restore ${id}`);
  }
}
