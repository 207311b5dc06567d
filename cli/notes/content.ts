import { usage } from "../failure.ts";
import { readText } from "../input.ts";
import type { Io } from "../io.ts";

export interface ContentOptions {
  content?: string;
  /** `-` is stdin. */
  file?: string;
}

/** The text that the options name, if they name one. Throws a usage `Failure` when they name two. */
export async function contentOf({ content, file }: ContentOptions, io: Io): Promise<string | undefined> {
  if (content !== undefined && file !== undefined) throw usage("The text comes from --content or from --file, not from both.");
  return content ?? (file === undefined ? undefined : await readText(file, io));
}
