import { type Command, Option } from "commander";
import { readConfig } from "../src/config.ts";
import { restore } from "../src/db/backup.ts";
import { createEpoch } from "../src/events/cursor.ts";
import { jsonOption, optionsOf } from "./context.ts";
import type { Io } from "./io.ts";
import { examples } from "./options.ts";

interface Options {
  dataDir?: string;
  json?: boolean;
}

export function registerRestore(program: Command, io: Io): void {
  program
    .command("restore")
    .description("put a backup in the place of the data; the server must not be running")
    .argument("<file>", "a file that `matric backup` wrote")
    .addOption(new Option("--data-dir <dir>", "the server's data directory (MATRIC_DATA_DIR)"))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe data that was there is kept beside it. Cursors from before are recognised: streams tell a gap where there is one.\n" +
        examples("matric restore notes-2026-02-05.db", "matric restore copy.db --data-dir /var/lib/matric"),
    )
    .action((file: string, _options: Options, self: Command) => run(file, optionsOf<Options>(self), io));
}

export async function run(file: string, { dataDir, json }: Options, io: Io): Promise<void> {
  const config = readConfig(dataDir === undefined ? {} : { dataDir }, { MATRIC_DATA_DIR: io.env.MATRIC_DATA_DIR });
  const { replaced } = restore(file, config.dataDir, Date.now(), createEpoch);
  if (json) await io.stdout.write(`${JSON.stringify({ data_dir: config.dataDir, replaced: replaced ?? null })}\n`);
  else
    await io.stderr.write(`restored into ${config.dataDir}${replaced === undefined ? "" : `; the former data is ${replaced}`}\n`);
}
