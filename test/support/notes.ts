import type { Actor } from "../../src/events/catalog.ts";
import { Notes } from "../../src/notes/engine.ts";
import { openStorage, type Storage } from "./storage.ts";

export const user: Actor = { kind: "user", id: null };
export const agent: Actor = { kind: "agent", id: "0197aaaa-0000-7000-8000-000000000001" };
export const worker: Actor = { kind: "worker", id: null };

export const contentBytesMax = 1024 * 1024;

/** The notes engine on a real database. */
export function openNotes(): Storage & { notes: Notes } {
  const storage = openStorage();
  return { ...storage, notes: new Notes({ ...storage, contentBytesMax }) };
}

/** The error with which `action` failed, for a look at its code and details. */
export async function failureOf(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error("it was expected to fail, and did not");
}
