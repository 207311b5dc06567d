import type { Tx } from "../../db/writer.ts";
import type { Actor } from "../../events/catalog.ts";

/** What a revision needs to know of a note. */
export interface NoteText {
  readonly id: string;
  readonly content: string;
  readonly version: number;
}

/** What a revision may do with notes. */
export interface NotesPort {
  /** The note as it is now. Throws `not_found`. */
  get(id: string): NoteText;
  /** Gives the note this text unless it has changed since `baseVersion`; then it is left alone. Throws `not_found`. */
  applyRevision(
    tx: Tx,
    revision: { noteId: string; baseVersion: number; content: string; jobId: string; actor: Actor },
  ): { applied: true; version: number } | { applied: false; current: NoteText };
  /** Stores the text as a revision that the user can choose, and returns the revision's number. Throws `not_found`. */
  keepAside(
    tx: Tx,
    revision: { noteId: string; basedOn: number; content: string; jobId: string; actor: Actor },
  ): { version: number };
}
