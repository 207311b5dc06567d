import type { Clock } from "../clock.ts";
import type { Db } from "../db/open.ts";
import type { Tx, Writer } from "../db/writer.ts";
import { MatricError, notFound } from "../errors.ts";
import type { Actor } from "../events/catalog.ts";
import type { EventLog } from "../events/log.ts";
import { NoteChanges, type NoteText, sourceOf } from "./changes.ts";
import type { CreateNote, Note, NoteFilter, NotePage, Revision, RevisionPage, UpdateNote } from "./contract.ts";
import { type Found, NoteIndex } from "./note-index.ts";
import { type PageRequest, takePage } from "./page.ts";
import { notePosition, revisionPosition, searchOffset } from "./page-cursor.ts";
import type { ApplyOutcome, AsideText, RevisableNotes, RevisedText } from "./revisable.ts";
import { type RevisionRow, RevisionStore } from "./revision-store.ts";
import { acceptContent, acceptTags, acceptTitle, canonicalTag } from "./rules.ts";
import { searchExpression } from "./search-expression.ts";
import { type NoteRow, NoteStore } from "./store.ts";
import { noteOf, revisionOf } from "./wire.ts";

export interface NotesOptions {
  db: Db;
  writer: Writer;
  log: EventLog;
  clock: Clock;
  /** Size of a content, whoever wrote it. */
  contentBytesMax: number;
}

export interface ChangeOptions {
  actor: Actor;
  /** The version that the note must still have; if not, `version_conflict` tells the one it has. */
  ifMatch?: number;
}

/**
 * Notes and their history. A deleted note is `not_found` for everything but `restore`. Changes resolve once they are durable;
 * those that bring a text reject with `invalid` (naming the field) or `too_large` when no note can have it.
 */
export class Notes implements RevisableNotes {
  readonly #store: NoteStore;
  readonly #revisions: RevisionStore;
  readonly #index: NoteIndex;
  readonly #changes: NoteChanges;
  readonly #writer: Writer;
  readonly #contentBytesMax: number;

  constructor({ db, writer, log, clock, contentBytesMax }: NotesOptions) {
    this.#store = new NoteStore(db);
    this.#revisions = new RevisionStore(db);
    this.#index = new NoteIndex(db);
    this.#changes = new NoteChanges(this.#store, this.#revisions, log, clock);
    this.#writer = writer;
    this.#contentBytesMax = contentBytesMax;
  }

  async create({ title, content, tags = [] }: CreateNote, actor: Actor): Promise<Note> {
    const text = { title: acceptTitle(title), content: this.#acceptContent(content), tags: acceptTags(tags) };
    return this.#writer.write((tx) => noteOf(this.#changes.create(tx, text, actor)));
  }

  get(id: string): Note {
    return noteOf(this.#require(id));
  }

  /**
   * Notes with `tag`, if given: the newest change first, or with words in `q` those that have all of them, the best match first.
   * A page of long notes can hold fewer than `limit` and still have a next one. Throws `invalid` for a cursor of another list.
   */
  list({ q = "", tag, limit, cursor }: NoteFilter & PageRequest): NotePage {
    const expression = searchExpression(q);
    const spelledTag = tag === undefined ? undefined : canonicalTag(tag);
    return expression === undefined
      ? this.#latest(spelledTag, limit, cursor)
      : this.#search(expression, spelledTag, limit, cursor);
  }

  /** Changes what `patch` names. What the note says already makes no new version and no event. */
  async update(id: string, patch: UpdateNote, { actor, ifMatch }: ChangeOptions): Promise<Note> {
    const text: Partial<NoteText> = {};
    if (patch.title !== undefined) text.title = acceptTitle(patch.title);
    if (patch.content !== undefined) text.content = this.#acceptContent(patch.content);
    if (patch.tags !== undefined) text.tags = acceptTags(patch.tags);
    return this.#writer.write((tx) => {
      const note = this.#requireVersion(id, ifMatch);
      const origin = { source: sourceOf(actor), basedOn: note.version, jobId: null, actor };
      return noteOf(this.#changes.write(tx, note, { ...note, ...text }, origin));
    });
  }

  /** Deletes the note; it and its revisions are kept and can be restored. */
  async remove(id: string, { actor, ifMatch }: ChangeOptions): Promise<void> {
    await this.#writer.write((tx) => this.#changes.delete(tx, this.#requireVersion(id, ifMatch), actor));
  }

  /** Takes a deletion back. Rejects with `conflict` when the note is not deleted. */
  async restore(id: string, actor: Actor): Promise<Note> {
    return this.#writer.write((tx) => {
      const note = this.#store.find(id);
      if (!note) throw notFound("note", id);
      if (note.deletedAt === null)
        throw new MatricError("conflict", `The note "${id}" is not deleted; there is nothing to restore.`);
      return noteOf(this.#changes.restore(tx, note, actor));
    });
  }

  /** The note's revisions, newest first, those kept aside among them. Pages are as those of `list`. */
  revisions(id: string, { limit, cursor }: PageRequest): RevisionPage {
    this.#require(id);
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : revisionPosition.parse(cursor);
    const found = this.#revisions.before(id, before, limit + 1);
    const { items, hasMore } = takePage(found, limit, ({ version }) => revisionOf(this.#requireRevision(id, version)));
    const last = found[items.length - 1];
    return { items, next_cursor: hasMore && last ? revisionPosition.format(last.rowId) : null };
  }

  revision(id: string, version: number): Revision {
    this.#require(id);
    return revisionOf(this.#requireRevision(id, version));
  }

  /** Gives the note the title, content and tags of one of its revisions. What it says already makes no new version. */
  async restoreRevision(id: string, version: number, { actor, ifMatch }: ChangeOptions): Promise<Note> {
    return this.#writer.write((tx) => {
      const note = this.#requireVersion(id, ifMatch);
      const chosen = this.#requireRevision(id, version);
      return noteOf(this.#changes.write(tx, note, chosen, { source: "restore", basedOn: version, jobId: null, actor }));
    });
  }

  applyRevision(tx: Tx, { noteId, baseVersion, content, jobId, actor }: RevisedText): ApplyOutcome {
    const accepted = this.#acceptContent(content);
    const note = this.#require(noteId);
    const isSameText = note.version === baseVersion || this.#revisions.find(noteId, baseVersion)?.content === note.content;
    if (!isSameText) return { applied: false, current: noteOf(note) };
    const text = { title: note.title, tags: note.tags, content: accepted };
    const { version } = this.#changes.write(tx, note, text, { source: "ai_revision", basedOn: baseVersion, jobId, actor });
    return { applied: true, version };
  }

  keepAside(tx: Tx, { noteId, basedOn, content, jobId, actor }: AsideText): { version: number } {
    const accepted = this.#acceptContent(content);
    const note = this.#require(noteId);
    return { version: this.#changes.keepAside(tx, note, accepted, { source: "ai_revision", basedOn, jobId, actor }) };
  }

  #latest(tag: string | undefined, limit: number, cursor: string | undefined): NotePage {
    const position = cursor === undefined ? undefined : notePosition.parse(cursor);
    const found = this.#index.latest(position, limit + 1, tag);
    const { items, hasMore } = takePage(found, limit, (one) => this.#read(one));
    const last = found[items.length - 1];
    return { items, next_cursor: hasMore && last ? notePosition.format(last) : null };
  }

  #search(expression: string, tag: string | undefined, limit: number, cursor: string | undefined): NotePage {
    const offset = cursor === undefined ? 0 : searchOffset.parse(cursor);
    const found = this.#index.search(expression, offset, limit + 1, tag);
    const { items, hasMore } = takePage(found, limit, (one) => this.#read(one));
    return { items, next_cursor: hasMore ? searchOffset.format(offset + items.length) : null };
  }

  #read({ rowId, id }: Found): Note {
    const note = this.#store.findByRowId(rowId);
    if (!note) throw new Error(`the index has the note ${id}, the table does not`);
    return noteOf(note);
  }

  #require(id: string): NoteRow {
    const note = this.#store.find(id);
    if (!note || note.deletedAt !== null) throw notFound("note", id);
    return note;
  }

  #requireVersion(id: string, ifMatch: number | undefined): NoteRow {
    const note = this.#require(id);
    if (ifMatch === undefined || ifMatch === note.version) return note;
    const message = `The note has changed: it is at version ${note.version} now, not ${ifMatch}. Read it again and decide what to keep.`;
    throw new MatricError("version_conflict", message, { current_version: note.version });
  }

  #requireRevision(id: string, version: number): RevisionRow {
    const revision = this.#revisions.find(id, version);
    if (!revision) throw new MatricError("not_found", `The note "${id}" has no revision ${version}.`);
    return revision;
  }

  #acceptContent(content: string): string {
    return acceptContent(content, this.#contentBytesMax);
  }
}
