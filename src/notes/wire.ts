import { timestamp } from "../clock.ts";
import type { Note, Revision } from "./contract.ts";
import type { RevisionRow } from "./revision-store.ts";
import type { NewNoteRow } from "./store.ts";

export function noteOf({ id, title, content, tags, version, createdAt, updatedAt }: NewNoteRow): Note {
  return { id, title, content, tags, version, created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) };
}

export function revisionOf(row: RevisionRow): Revision {
  return {
    note_id: row.noteId,
    version: row.version,
    based_on: row.basedOn,
    title: row.title,
    content: row.content,
    tags: row.tags,
    source: row.source,
    actor: { kind: row.actorKind, id: row.actorId },
    job_id: row.jobId,
    applied: row.applied,
    created_at: timestamp(row.createdAt),
  };
}
