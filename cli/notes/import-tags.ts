import { createHash } from "node:crypto";
import { importTagPrefixes } from "../../src/notes/contract.ts";

// The server knows nothing of files. Which file a note came from, and what the file held then, is remembered by two tags of the
// note: they survive a lost machine, a revision by the AI and edits by people, and a note can be looked up by them.
/** Names the file: by its absolute path, since many folders hold a README.md. */
export function pathTag(path: string): string {
  return importTagPrefixes.path + digest(path);
}

/** Names what the file holds. */
export function textTag(bytes: Uint8Array): string {
  return importTagPrefixes.text + digest(bytes);
}

function digest(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex").slice(0, 32);
}
