import type { Command } from "commander";
import { addServerOptions } from "../context.ts";
import type { Io } from "../io.ts";
import { registerAdd } from "./add.ts";
import { registerEdit } from "./edit.ts";
import { registerImport } from "./import.ts";
import { registerList } from "./list.ts";
import { registerRemove } from "./remove.ts";
import { registerRestore } from "./restore.ts";
import { registerRevise } from "./revise.ts";
import { registerRevisions } from "./revisions.ts";
import { registerShow } from "./show.ts";

export function registerNotes(program: Command, io: Io): void {
  const notes = addServerOptions(program.command("notes")).description("write, find, revise and import notes");
  registerAdd(notes, io);
  registerList(notes, io);
  registerShow(notes, io);
  registerEdit(notes, io);
  registerRemove(notes, io);
  registerRestore(notes, io);
  registerRevisions(notes, io);
  registerRevise(notes, io);
  registerImport(notes, io);
}
