import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { type Command, Option } from "commander";
import { unreachable } from "../src/client/api.ts";
import { backUp } from "../src/db/backup.ts";
import { storageError } from "../src/db/storage-error.ts";
import { temporaryCopyIn } from "../src/db/temporary-copy.ts";
import { addServerOptions, type Context, contextOf, dataDirOf } from "./context.ts";
import { Failure, usage } from "./failure.ts";
import type { Io } from "./io.ts";
import { examples } from "./options.ts";
import { printJson } from "./output.ts";

export function registerBackup(program: Command, io: Io): void {
  const command = program
    .command("backup")
    .description("write a consistent copy of everything while the server runs")
    .argument("<file>", "where the copy goes; it must not exist yet. - is stdout")
    .addOption(new Option("--data-dir <dir>", "copy this data directory itself, without asking a server (MATRIC_DATA_DIR)"))
    .addHelpText(
      "after",
      examples(
        "matric backup notes-$(date +%F).db",
        "matric backup copy.db --url https://notes.example --token mtr_…",
        "matric backup - | gzip > copy.db.gz",
      ),
    );
  addServerOptions(command).action((file: string, _options: object, self: Command) =>
    run(file, dataDirOf(self, io), contextOf(self, io)),
  );
}

export async function run(file: string, dataDir: string | undefined, context: Context): Promise<void> {
  if (file === "-") return toStdout(dataDir, context);
  if (existsSync(file)) throw new Failure("conflict", `${file} exists already; a backup overwrites nothing.`);
  if (dataDir === undefined) await download(file, context);
  else backUp(dataDir, file);
  const bytes = Bun.file(file).size;
  if (context.json) await printJson(context, { file, bytes });
  else await context.io.stderr.write(`${file}: ${(bytes / 1024 / 1024).toFixed(1)} MB\n`);
}

async function toStdout(dataDir: string | undefined, { io, json, client, signal }: Context): Promise<void> {
  if (json) throw usage("With - the copy itself goes to stdout: leave --json out.");
  if (io.stdout.isTty) throw usage("A copy is nothing to read on a terminal: name a file, or send it into a pipe.");
  if (dataDir === undefined) {
    const body = await client.server.backup(signal);
    for await (const chunk of arriving(body, client.url)) await io.stdout.writeBytes(chunk);
    return;
  }
  const copy = temporaryCopyIn(dataDir);
  try {
    backUp(dataDir, copy);
    for await (const chunk of Bun.file(copy).stream()) {
      signal.throwIfAborted();
      await io.stdout.writeBytes(chunk);
    }
  } finally {
    await rm(copy, { force: true });
  }
}

async function download(file: string, { client, signal }: Context): Promise<void> {
  const body = await client.server.backup(signal);
  const partial = `${file}.partial`;
  const target = await written(open(partial, "w", 0o600));
  try {
    try {
      for await (const chunk of arriving(body, client.url)) await written(target.writeFile(chunk));
      await written(target.sync());
    } finally {
      await target.close();
    }
    await written(rename(partial, file));
  } finally {
    await rm(partial, { force: true });
  }
}

async function* arriving(body: ReadableStream<Uint8Array>, url: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    throw unreachable(url, error);
  }
}

function written<T>(step: Promise<T>): Promise<T> {
  return step.catch((error: unknown) => {
    throw storageError(error, "The backup could not be written");
  });
}
