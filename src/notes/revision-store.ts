import { and, desc, eq, lt, max, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { noteRevisions } from "../db/schema.ts";

export type RevisionRow = typeof noteRevisions.$inferSelect;

const value = sql.placeholder;

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
      .where(ofNote)
      .prepare();
    this.#before = orm
      .select({ version: noteRevisions.version })
      .from(noteRevisions)
      .where(and(ofNote, lt(noteRevisions.version, value("version"))))
      .orderBy(desc(noteRevisions.version))
      .limit(value("limit"))
      .prepare();
  }

  insert(revision: RevisionRow): void {
    this.#insert.run(revision);
  }

  find(noteId: string, version: number): RevisionRow | undefined {
    return this.#find.get({ noteId, version });
  }

  /** The number for the next change of the note, or for the next text that is kept aside: they share one count. */
  nextVersion(noteId: string): number {
    return (this.#newest.get({ noteId })?.version ?? 0) + 1;
  }

  /** At most `limit` numbers of revisions below `version`, newest first. */
  versionsBefore(noteId: string, version: number, limit: number): number[] {
    return this.#before.all({ noteId, version, limit }).map((row) => row.version);
  }
}
