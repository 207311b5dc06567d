import { expect, test } from "bun:test";
import fc from "fast-check";
import { MatricError } from "../../src/errors.ts";
import { type Expected, type NoteAction, NoteModel, noteAction } from "../support/note-model.ts";
import { openNotes, user, worker } from "../support/notes.ts";

type Opened = ReturnType<typeof openNotes>;

/** Does it, and tells the version that the note has then, or the code of the error. Adds the id of a note that is created. */
async function perform({ notes, writer }: Opened, ids: string[], action: NoteAction): Promise<Expected> {
  const id = "note" in action ? (ids[action.note] ?? "nowhere") : "";
  const ifMatch = "ifMatch" in action && action.ifMatch !== undefined ? { ifMatch: action.ifMatch } : {};
  try {
    switch (action.do) {
      case "create": {
        const created = await notes.create(action.text, user);
        ids.push(created.id);
        return { version: created.version };
      }
      case "update":
        return { version: (await notes.update(id, action.patch, { actor: user, ...ifMatch })).version };
      case "restoreRevision":
        return { version: (await notes.restoreRevision(id, action.version, { actor: user, ...ifMatch })).version };
      case "remove":
        await notes.remove(id, { actor: user, ...ifMatch });
        return { version: -1 };
      case "restore":
        return { version: (await notes.restore(id, user)).version };
      case "apply": {
        const revised = { noteId: id, baseVersion: action.version, content: action.content, jobId: "job", actor: worker };
        const outcome = await writer.write((tx) => notes.applyRevision(tx, revised));
        return { version: outcome.applied ? outcome.version : outcome.current.version };
      }
      case "keepAside": {
        const aside = { noteId: id, basedOn: action.version, content: action.content, jobId: "job", actor: worker };
        await writer.write((tx) => notes.keepAside(tx, aside));
        return { version: -1 };
      }
    }
  } catch (error) {
    if (error instanceof MatricError) return { code: error.code };
    throw error;
  }
}

/** All that can be seen of the notes from outside. */
function visible({ notes }: Opened, ids: string[], model: NoteModel) {
  return ids.map((id, index) => {
    if (model.notes[index]?.deleted) return { deleted: notes.list({ limit: 50 }).items.every((note) => note.id !== id) };
    const { title, content, tags, version } = notes.get(id);
    const revisions = notes.revisions(id, { limit: 500 }).items.reverse();
    return {
      note: { title, content, tags, version },
      revisions: revisions.map(({ title, content, tags, version, applied, source }) => {
        return { title, content, tags, version, applied, source };
      }),
    };
  });
}

function predicted(model: NoteModel) {
  return model.notes.map((note) => {
    if (note.deleted) return { deleted: true };
    return { note: { ...model.textOf(note), version: note.version }, revisions: note.revisions };
  });
}

test("whatever is done with notes, one after another or at once, versions, revisions, lists and events are what the contract says", async () => {
  await fc.assert(
    // The actions of one group come in the same turn of the event loop.
    fc.asyncProperty(fc.array(fc.array(noteAction, { minLength: 1, maxLength: 8 }), { maxLength: 12 }), async (groups) => {
      const opened = openNotes();
      const model = new NoteModel();
      const ids: string[] = [];
      try {
        for (const group of groups) {
          // A note that is created in this turn cannot be spoken of before the next one.
          const known = ids.length;
          const actions = group.filter(
            (action) => action.do === "create" || action.note < known || action.note >= known + group.length,
          );
          const expected = actions.map((action) => model.perform(action));
          const outcomes = await Promise.all(actions.map((action) => perform(opened, ids, action)));
          for (const [index, outcome] of outcomes.entries()) {
            const one = expected[index];
            if (one && "code" in one) expect(outcome).toEqual({ code: one.code });
            else if ("version" in outcome && outcome.version > 0) expect(outcome.version).toBe(one?.version ?? 0);
            else expect(outcome).toEqual({ version: -1 });
          }
          const told = opened.takeEvents().map(({ event, data }) => ({ name: event, data }));
          const events = expected.flatMap((one) => ("event" in one && one.event ? [one.event] : []));
          expect(told).toEqual(events.map(({ name, note, data }) => ({ name, data: { note_id: ids[note] ?? "", ...data } })));
          expect(visible(opened, ids, model)).toEqual(predicted(model));
        }
      } finally {
        opened.close();
      }
    }),
    { numRuns: 150 },
  );
}, 30_000);
