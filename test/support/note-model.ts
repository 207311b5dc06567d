import fc from "fast-check";
import type { Revision } from "../../src/notes/contract.ts";

/** One thing that somebody does with one of the notes: `note` counts them from the first. */
export type NoteAction =
  | { do: "create"; text: ModelText }
  | { do: "update"; note: number; patch: Partial<ModelText>; ifMatch: number | undefined }
  | { do: "remove" | "restore"; note: number; ifMatch: number | undefined }
  | { do: "restoreRevision"; note: number; version: number; ifMatch: number | undefined }
  | { do: "apply" | "keepAside"; note: number; version: number; content: string };

export interface ModelText {
  title: string;
  content: string;
  tags: string[];
}

interface ModelRevision extends ModelText {
  version: number;
  applied: boolean;
  source: Revision["source"];
}

interface ModelNote {
  version: number;
  deleted: boolean;
  /** In the order in which they were made. */
  revisions: ModelRevision[];
}

/** What an action does: an error's code, or the version that the note has then and the event, if there is one. */
export type Expected = { code: string } | { version: number; event?: { name: string; note: number; data: object } };

// Few values, so that changes that change nothing are frequent.
const title = fc.constantFrom<string[]>("Sea", "Ocean");
const content = fc.constantFrom<string[]>("deep", "wide", "blue");
const tags = fc.constantFrom<string[][]>([], ["a"], ["b", "a"]);
const number = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 6 }) }, fc.constantFrom(1_000_000_001, 1_000_000_002));
const note = fc.nat({ max: 2 });
const ifMatch = fc.option(number, { nil: undefined, freq: 2 });

export const noteAction: fc.Arbitrary<NoteAction> = fc.oneof(
  fc.record({ do: fc.constant("create" as const), text: fc.record({ title, content, tags }) }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      note,
      patch: fc.record({ title, content, tags }, { requiredKeys: [] }),
      ifMatch,
    }),
  },
  fc.record({ do: fc.constantFrom("remove" as const, "restore" as const), note, ifMatch }),
  fc.record({ do: fc.constant("restoreRevision" as const), note, version: number, ifMatch }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("apply" as const, "keepAside" as const), note, version: number, content }),
  },
);

/** What the contract says of notes, in the simplest words. */
export class NoteModel {
  readonly notes: ModelNote[] = [];

  perform(action: NoteAction): Expected {
    if (action.do === "create") {
      this.notes.push({ version: 1, deleted: false, revisions: [{ ...action.text, version: 1, applied: true, source: "user" }] });
      return { version: 1, event: { name: "NoteCreated", note: this.notes.length - 1, data: { version: 1 } } };
    }
    const found = this.notes[action.note];
    if (!found) return { code: "not_found" };
    if (action.do === "restore") return found.deleted ? this.#setDeleted(action.note, found, false) : { code: "conflict" };
    if (found.deleted) return { code: "not_found" };
    if ("ifMatch" in action && action.ifMatch !== undefined && action.ifMatch !== found.version)
      return { code: "version_conflict" };
    const chosen = "version" in action ? revisionOf(found, action.version) : undefined;
    const text = this.textOf(found);
    switch (action.do) {
      case "remove":
        return this.#setDeleted(action.note, found, true);
      case "update":
        return this.#write(action.note, found, { ...text, ...action.patch }, "user");
      case "restoreRevision":
        return chosen ? this.#write(action.note, found, chosen, "restore") : { code: "not_found" };
      case "apply":
        if (chosen?.content !== text.content) return { version: found.version };
        return this.#write(action.note, found, { ...text, content: action.content }, "ai_revision");
      case "keepAside": {
        const version = 1_000_000_001 + found.revisions.filter(({ applied }) => !applied).length;
        found.revisions.push({ ...text, content: action.content, version, applied: false, source: "ai_revision" });
        const data = { version, source: "ai_revision", job_id: "job" };
        return { version: found.version, event: { name: "NoteRevisionCreated", note: action.note, data } };
      }
    }
  }

  textOf(note: ModelNote): ModelText {
    const { title, content, tags } = revisionOf(note, note.version) ?? { title: "", content: "", tags: [] };
    return { title, content, tags };
  }

  #write(index: number, note: ModelNote, text: ModelText, source: Revision["source"]): Expected {
    const before = this.textOf(note);
    const changed = (["title", "content", "tags"] as const).filter((field) => !Bun.deepEquals(before[field], text[field]));
    if (changed.length === 0) return { version: note.version };
    const { title, content, tags } = text;
    note.revisions.push({ title, content, tags, version: ++note.version, applied: true, source });
    const data = { version: note.version, changed, source, ...(source === "ai_revision" && { job_id: "job" }) };
    return { version: note.version, event: { name: "NoteUpdated", note: index, data } };
  }

  #setDeleted(index: number, note: ModelNote, deleted: boolean): Expected {
    const text = this.textOf(note);
    note.revisions.push({ ...text, version: ++note.version, applied: true, source: deleted ? "user" : "restore" });
    note.deleted = deleted;
    return {
      version: note.version,
      event: { name: deleted ? "NoteDeleted" : "NoteRestored", note: index, data: { version: note.version } },
    };
  }
}

function revisionOf(note: ModelNote, version: number): ModelRevision | undefined {
  return note.revisions.find((one) => one.version === version);
}
