import { readFile } from "node:fs/promises";
import { messageOf } from "../src/errors.ts";
import { Failure, usage } from "./failure.ts";
import type { Io } from "./io.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The text of a file, or of stdin for `-`. Throws a `Failure` that names the file when it cannot be read or is not UTF-8. */
export async function readText(file: string, io: Io): Promise<string> {
  const bytes = file === "-" ? await io.stdin.read() : await readBytes(file);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Failure("malformed", `${file === "-" ? "The input" : file} is not UTF-8 text.`);
  }
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw usage(`${file} cannot be read: ${messageOf(cause)}.`);
  }
}
