import type { Tx } from "../db/writer.ts";
import type { Actor } from "../events/catalog.ts";
import type { Note } from "./contract.ts";

/** What background work does with notes, each within the transaction in which the work itself is finished. */
export interface RevisableNotes {
  /** The note as it is stored now. Throws `not_found` for an unknown or deleted one. */
  get(id: string): Note;
  /**
   * Gives the note `content`, unless its own text is another one than at `baseVersion`: then nothing is changed, and the note is
   * returned as it is now. Title and tags, which may have changed meanwhile, stay; content that is there already makes no new
   * version. Throws `not_found` when the note was deleted, `invalid` or `too_large` for content that no note can have.
   */
  applyRevision(tx: Tx, revised: RevisedText): ApplyOutcome;
  /**
   * Stores `content`, under the title and tags of now, as a revision that the user can choose with `restoreRevision`. The note
   * stays as it is. Returns the number of the revision. Throws as `applyRevision` does.
   */
  keepAside(tx: Tx, aside: AsideText): { version: number };
}

export interface RevisedText {
  noteId: string;
  /** The version that was read. */
  baseVersion: number;
  content: string;
  jobId: string;
  actor: Actor;
}

export interface AsideText {
  noteId: string;
  /** The version that was read. */
  basedOn: number;
  content: string;
  jobId: string;
  actor: Actor;
}

export type ApplyOutcome = { applied: true; version: number } | { applied: false; current: Note };
