import type { Clock } from "../clock.ts";
import type { Tx } from "../db/writer.ts";
import type { Actor, EventData } from "../events/catalog.ts";
import { draft, type EventLog } from "../events/log.ts";
import type { RevisionRow, RevisionStore } from "./revision-store.ts";
import type { NewNoteRow, NoteRow, NoteStore } from "./store.ts";

export type NoteText = Pick<NoteRow, "title" | "content" | "tags">;

/** How a text came to be: by whom, from which version, and by which job if one wrote it. */
export interface Origin {
  source: RevisionRow["source"];
  basedOn: number | null;
  jobId: string | null;
  actor: Actor;
}

type Changed = EventData<"NoteUpdated">["changed"];

/**
 * The one way in which notes change. Every change, deleting and restoring included, gives the note its next version, one
 * revision of that number and one event, so that a subscriber can order the states of a note by their version alone.
 * A text that is kept aside is no change: it gets a number of its own.
 */
export class NoteChanges {
  constructor(
    private readonly notes: NoteStore,
    private readonly revisions: RevisionStore,
    private readonly log: EventLog,
    private readonly clock: Clock,
  ) {}

  create(tx: Tx, text: NoteText, actor: Actor): NewNoteRow {
    const now = this.clock.now();
    const note = { id: Bun.randomUUIDv7(), ...text, version: 1, createdAt: now, updatedAt: now, deletedAt: null };
    this.notes.insert(note);
    this.#keep(note, { source: sourceOf(actor), basedOn: null, jobId: null, actor }, true);
    this.log.append(tx, [draft("NoteCreated", { note_id: note.id, version: note.version }, actor)]);
    return note;
  }

  /** Returns the note as it is then; a text that it has already makes no new version and no event. */
  write(tx: Tx, note: NoteRow, { title, content, tags }: NoteText, origin: Origin): NoteRow {
    const changed = differences(note, { title, content, tags });
    if (changed.length === 0) return note;
    const next = this.#succeed(note, { title, content, tags });
    this.notes.update(next, changed.includes("tags"));
    this.#keep(next, origin, true);
    const data: EventData<"NoteUpdated"> = { note_id: next.id, version: next.version, changed, source: origin.source };
    if (origin.jobId !== null) data.job_id = origin.jobId;
    this.log.append(tx, [draft("NoteUpdated", data, origin.actor)]);
    return next;
  }

  delete(tx: Tx, note: NoteRow, actor: Actor): void {
    const deleted = this.#succeed(note, { deletedAt: this.clock.now() });
    this.notes.setDeleted(deleted);
    this.#keep(deleted, { source: sourceOf(actor), basedOn: note.version, jobId: null, actor }, true);
    this.log.append(tx, [draft("NoteDeleted", { note_id: deleted.id, version: deleted.version }, actor)]);
  }

  restore(tx: Tx, note: NoteRow, actor: Actor): NoteRow {
    const restored = this.#succeed(note, { deletedAt: null });
    this.notes.setDeleted(restored);
    this.#keep(restored, { source: "restore", basedOn: note.version, jobId: null, actor }, true);
    this.log.append(tx, [draft("NoteRestored", { note_id: restored.id, version: restored.version }, actor)]);
    return restored;
  }

  /** Stores a text as a revision that the note never had. Returns its number. */
  keepAside(tx: Tx, note: NoteRow, content: string, origin: Origin): number {
    const version = this.revisions.nextAside(note.id);
    const aside = { ...note, content, version, updatedAt: this.clock.now() };
    this.#keep(aside, origin, false);
    const data: EventData<"NoteRevisionCreated"> = { note_id: note.id, version, source: origin.source };
    if (origin.jobId !== null) data.job_id = origin.jobId;
    this.log.append(tx, [draft("NoteRevisionCreated", data, origin.actor)]);
    return version;
  }

  #succeed(note: NoteRow, change: Partial<NoteRow>): NoteRow {
    return { ...note, ...change, version: this.revisions.nextVersion(note.id), updatedAt: this.clock.now() };
  }

  #keep({ id, version, title, tags, content, updatedAt }: NewNoteRow, origin: Origin, applied: boolean): void {
    const { source, basedOn, jobId, actor } = origin;
    this.revisions.insert({
      noteId: id,
      version,
      basedOn,
      title,
      tags,
      content,
      source,
      actorKind: actor.kind,
      actorId: actor.id,
      jobId,
      applied,
      createdAt: updatedAt,
    });
  }
}

/** Whose text it is when somebody edits: an agent's, or a person's. */
export function sourceOf(actor: Actor): "user" | "agent" {
  return actor.kind === "agent" ? "agent" : "user";
}

function differences(before: NoteText, after: NoteText): Changed {
  const changed: Changed = [];
  if (before.title !== after.title) changed.push("title");
  if (before.content !== after.content) changed.push("content");
  if (before.tags.length !== after.tags.length || before.tags.some((tag, index) => tag !== after.tags[index]))
    changed.push("tags");
  return changed;
}
