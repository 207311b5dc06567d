import { eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { notes, noteTags } from "../db/schema.ts";

/** A row of `notes`; `deletedAt` is set while the note is deleted. */
export type NoteRow = typeof notes.$inferSelect;
export type NewNoteRow = Omit<NoteRow, "rowId">;

const value = sql.placeholder;
/** For a prepared UPDATE: unlike an INSERT it does not know by itself how a column is encoded. */
const slot = (column: keyof NoteRow) => sql`${sql.param(value(column), notes[column])}`;

/** The rows of notes and their tags. What writes must run inside the writer's transaction; the statements are prepared once. */
export class NoteStore {
  readonly #byId;
  readonly #byRowId;
  readonly #insert;
  readonly #update;
  readonly #setDeleted;
  readonly #insertTag;
  readonly #deleteTags;

  constructor({ orm }: Db) {
    this.#byId = orm
      .select()
      .from(notes)
      .where(eq(notes.id, value("id")))
      .prepare();
    this.#byRowId = orm
      .select()
      .from(notes)
      .where(eq(notes.rowId, value("rowId")))
      .prepare();
    this.#insert = orm
      .insert(notes)
      .values({
        id: value("id"),
        title: value("title"),
        tags: value("tags"),
        version: value("version"),
        createdAt: value("createdAt"),
        updatedAt: value("updatedAt"),
        content: value("content"),
      })
      .prepare();
    this.#update = orm
      .update(notes)
      .set({
        title: slot("title"),
        content: slot("content"),
        tags: slot("tags"),
        version: slot("version"),
        updatedAt: slot("updatedAt"),
      })
      .where(eq(notes.id, value("id")))
      .prepare();
    // Without the text, so that the search index is not written again.
    this.#setDeleted = orm
      .update(notes)
      .set({ version: slot("version"), updatedAt: slot("updatedAt"), deletedAt: slot("deletedAt") })
      .where(eq(notes.id, value("id")))
      .prepare();
    this.#insertTag = orm
      .insert(noteTags)
      .values({ tag: value("tag"), noteId: value("noteId") })
      .prepare();
    this.#deleteTags = orm
      .delete(noteTags)
      .where(eq(noteTags.noteId, value("noteId")))
      .prepare();
  }

  /** The note, deleted or not. */
  find(id: string): NoteRow | undefined {
    return this.#byId.get({ id });
  }

  findByRowId(rowId: number): NoteRow | undefined {
    return this.#byRowId.get({ rowId });
  }

  insert(note: NewNoteRow): void {
    this.#insert.run(note);
    this.#addTags(note);
  }

  /** Stores title, content, tags, version and time of the last change. */
  update(note: NoteRow, tagsChanged: boolean): void {
    this.#update.run(note);
    if (!tagsChanged) return;
    this.#deleteTags.run({ noteId: note.id });
    this.#addTags(note);
  }

  /** Stores version, time of the last change, and whether the note is deleted. */
  setDeleted(note: NoteRow): void {
    this.#setDeleted.run(note);
  }

  #addTags(note: NewNoteRow): void {
    for (const tag of note.tags) this.#insertTag.run({ tag, noteId: note.id });
  }
}
