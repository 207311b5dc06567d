import { Job, type ReviseNote } from "../jobs/contract.ts";
import { type CreateNote, Note, type NoteFilter, NotePage, Revision, RevisionPage, type UpdateNote } from "../notes/contract.ts";
import type { Api } from "./api.ts";
import { segment } from "./base-url.ts";
import type { PageQuery } from "./paging.ts";

/** The version that the change was made for: it is refused (`version_conflict`) when the note has another one now. */
export interface IfVersion {
  ifVersion?: number | undefined;
}

const notes = "api/v1/notes";
const one = (id: string) => `${notes}/${segment(id)}`;
const revision = (id: string, version: number) => `${one(id)}/revisions/${version}`;
const ifMatch = ({ ifVersion }: IfVersion): Record<string, string> =>
  ifVersion === undefined ? {} : { "if-match": `"${ifVersion}"` };

/** Notes and their revisions. */
export class NotesApi {
  constructor(private readonly api: Api) {}

  create(note: CreateNote, signal?: AbortSignal): Promise<Note> {
    return this.api.json("POST", notes, Note, { body: note, signal });
  }

  list({ q, tag, limit, cursor }: NoteFilter & PageQuery = {}, signal?: AbortSignal): Promise<NotePage> {
    return this.api.json("GET", notes, NotePage, { query: { q, tag, limit, cursor }, signal });
  }

  get(id: string, signal?: AbortSignal): Promise<Note> {
    return this.api.json("GET", one(id), Note, { signal });
  }

  update(id: string, changes: UpdateNote, { ifVersion, signal }: IfVersion & { signal?: AbortSignal } = {}): Promise<Note> {
    return this.api.json("PATCH", one(id), Note, { body: changes, headers: ifMatch({ ifVersion }), signal });
  }

  /** The note can be restored. */
  remove(id: string, { ifVersion, signal }: IfVersion & { signal?: AbortSignal } = {}): Promise<void> {
    return this.api.done("DELETE", one(id), { headers: ifMatch({ ifVersion }), signal });
  }

  /** Takes a deleted note back. */
  restore(id: string, signal?: AbortSignal): Promise<Note> {
    return this.api.json("POST", `${one(id)}/restore`, Note, { signal });
  }

  revisions(id: string, { limit, cursor }: PageQuery = {}, signal?: AbortSignal): Promise<RevisionPage> {
    return this.api.json("GET", `${one(id)}/revisions`, RevisionPage, { query: { limit, cursor }, signal });
  }

  revision(id: string, version: number, signal?: AbortSignal): Promise<Revision> {
    return this.api.json("GET", revision(id, version), Revision, { signal });
  }

  /** Makes the text of a revision the note's newest version. */
  restoreRevision(id: string, version: number, signal?: AbortSignal): Promise<Note> {
    return this.api.json("POST", `${revision(id, version)}/restore`, Note, { signal });
  }

  /** Queues an `ai_revision` job. */
  revise(id: string, request: ReviseNote = {}, signal?: AbortSignal): Promise<Job> {
    return this.api.json("POST", `${one(id)}/revise`, Job, { body: request, signal });
  }
}
