import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { Client } from "../../src/client/client.ts";
import { ClientError } from "../../src/client/errors.ts";
import { messageOf } from "../../src/errors.ts";
import { isImportTag, type Note } from "../../src/notes/contract.ts";
import { pathTag, textTag } from "./import-tags.ts";
import { aboutMarkdown, oneLine } from "./markdown.ts";
import type { MarkdownFile } from "./markdown-files.ts";

export interface ImportedFile {
  path: string;
  outcome: "created" | "updated" | "unchanged" | "failed";
  note_id: string | null;
  error: string | null;
}

/** Larger files are not read; no server takes them. */
const fileBytesMax = 16 * 1024 * 1024;
/** Tries, when somebody else changes the note at the same moment. */
const attemptsMax = 3;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Makes the note of this file hold what the file holds. A file that has not changed since it was imported is left alone, whatever
 * has happened to its note. What is wrong with the file itself is an outcome; rejects when the server is gone or says no to everything.
 */
export async function importFile({ path, shown }: MarkdownFile, client: Client, signal: AbortSignal): Promise<ImportedFile> {
  try {
    const bytes = await readMarkdown(path);
    return { path: shown, ...(await store(path, bytes, client, signal)), error: null };
  } catch (error) {
    if (signal.aborted || isForAll(error)) throw error;
    return { path: shown, outcome: "failed", note_id: null, error: messageOf(error) };
  }
}

function isForAll(error: unknown): boolean {
  return (
    error instanceof ClientError &&
    !["invalid", "malformed", "too_large", "not_found", "conflict", "version_conflict"].includes(error.code)
  );
}

async function readMarkdown(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > fileBytesMax) throw new Error(`The file is too large (${size} bytes).`);
  const bytes = await readFile(path);
  if (bytes.includes(0)) throw new Error("The file is binary, not Markdown.");
  return bytes;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Error("The file is not valid UTF-8.");
  }
}

async function store(
  path: string,
  bytes: Uint8Array,
  client: Client,
  signal: AbortSignal,
): Promise<Pick<ImportedFile, "outcome" | "note_id">> {
  const marks = [pathTag(path), textTag(bytes)];
  const content = decode(bytes);
  for (let attempt = 1; ; attempt++) {
    const note = await noteOf(path, client, signal);
    if (note?.tags.includes(textTag(bytes))) return { outcome: "unchanged", note_id: note.id };
    const { title = oneLine(basename(path, extname(path))) || basename(path), tags } = aboutMarkdown(content);
    if (!note)
      return {
        outcome: "created",
        note_id: (await client.notes.create({ title, content, tags: [...tags, ...marks] }, signal)).id,
      };
    const kept = note.tags.filter((tag) => !isImportTag(tag));
    try {
      await client.notes.update(
        note.id,
        { title, content, tags: [...new Set([...kept, ...tags]), ...marks] },
        { ifVersion: note.version, signal },
      );
      return { outcome: "updated", note_id: note.id };
    } catch (error) {
      const isRace = error instanceof ClientError && error.code === "version_conflict";
      if (!isRace || attempt === attemptsMax) throw error;
    }
  }
}

async function noteOf(path: string, client: Client, signal: AbortSignal): Promise<Note | undefined> {
  const { items } = await client.notes.list({ tag: pathTag(path), limit: 1 }, signal);
  return items[0];
}
