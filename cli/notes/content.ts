import { readText } from "../input.ts";
import type { Io } from "../io.ts";

export interface ContentOptions {
  content?: string;
  /** `-` is stdin. */
  file?: string;
}

/** The text that the options name, if they name one. */
export async function contentOf({ content, file }: ContentOptions, io: Io): Promise<string | undefined> {
  return content ?? (file === undefined ? undefined : await readText(file, io));
}
