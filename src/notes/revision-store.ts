import { and, desc, eq, lt, lte, max, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { noteRevisions } from "../db/schema.ts";
import { asideVersionsFrom } from "./contract.ts";

export type RevisionRow = typeof noteRevisions.$inferSelect;

const value = sql.placeholder;
/** Rises with every row. */
const rowId = sql<number>`rowid`;

/** Every text that a note had, and those kept aside for it. Rows are added and never changed. */
export class RevisionStore {
  readonly #insert;
  readonly #find;
  readonly #newest;
  readonly #before;

  constructor({ orm }: Db) {
    this.#insert = orm
      .insert(noteRevisions)
      .values({
        noteId: value("noteId"),
        version: value("version"),
        basedOn: value("basedOn"),
        title: value("title"),
        tags: value("tags"),
        source: value("source"),
        actorKind: value("actorKind"),
        actorId: value("actorId"),
        jobId: value("jobId"),
        applied: value("applied"),
        createdAt: value("createdAt"),
        content: value("content"),
      })
      .prepare();
    const ofNote = eq(noteRevisions.noteId, value("noteId"));
    this.#find = orm
      .select()
      .from(noteRevisions)
      .where(and(ofNote, eq(noteRevisions.version, value("version"))))
      .prepare();
    this.#newest = orm
      .select({ version: max(noteRevisions.version) })
      .from(noteRevisions)
      .where(and(ofNote, lte(noteRevisions.version, value("most"))))
      .prepare();
    this.#before = orm
      .select({ version: noteRevisions.version, rowId })
      .from(noteRevisions)
      .where(and(ofNote, lt(rowId, value("rowId"))))
      .orderBy(desc(rowId))
      .limit(value("limit"))
      .prepare();
  }

  insert(revision: RevisionRow): void {
    this.#insert.run(revision);
  }

  find(noteId: string, version: number): RevisionRow | undefined {
    return this.#find.get({ noteId, version });
  }

  /** The number for the next change of the note. */
  nextVersion(noteId: string): number {
    return (this.#newest.get({ noteId, most: asideVersionsFrom })?.version ?? 0) + 1;
  }

  /** The number for the next text that is kept aside. */
  nextAside(noteId: string): number {
    const newest = this.#newest.get({ noteId, most: Number.MAX_SAFE_INTEGER })?.version ?? 0;
    return Math.max(newest, asideVersionsFrom) + 1;
  }

  /** At most `limit` revisions that were stored before the row `rowId`, newest first. */
  before(noteId: string, rowId: number, limit: number): { version: number; rowId: number }[] {
    return this.#before.all({ noteId, rowId, limit });
  }
}
