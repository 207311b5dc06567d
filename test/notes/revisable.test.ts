import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Note } from "../../src/notes/contract.ts";
import type { RevisableNotes } from "../../src/notes/revisable.ts";
import { contentBytesMax, failureOf, openNotes, user, worker } from "../support/notes.ts";

const jobId = "0197bbbb-0000-7000-8000-000000000001";

let opened: ReturnType<typeof openNotes>;
let notes: typeof opened.notes;
let note: Note;

beforeEach(async () => {
  opened = openNotes();
  notes = opened.notes;
  note = await notes.create({ title: "Sea", content: "it is deep", tags: ["water"] }, user);
  opened.takeEvents();
});
afterEach(() => opened.close());

const apply = (content: string, baseVersion = 1) =>
  opened.writer.write((tx) => asRevisable().applyRevision(tx, { noteId: note.id, baseVersion, content, jobId, actor: worker }));
const keepAside = (content: string, basedOn = 1) =>
  opened.writer.write((tx) => asRevisable().keepAside(tx, { noteId: note.id, basedOn, content, jobId, actor: worker }));
const asRevisable = (): RevisableNotes => notes;

describe("applying a revision", () => {
  test("gives the note its content, and tells which job wrote it", async () => {
    expect(await apply("It is deep.")).toEqual({ applied: true, version: 2 });
    expect(notes.get(note.id)).toMatchObject({ title: "Sea", content: "It is deep.", tags: ["water"], version: 2 });
    expect(notes.revision(note.id, 2)).toMatchObject({
      source: "ai_revision",
      based_on: 1,
      job_id: jobId,
      actor: worker,
      applied: true,
    });
    expect(opened.takeEvents()).toMatchObject([
      {
        event: "NoteUpdated",
        subject: `note:${note.id}`,
        actor: worker,
        data: { note_id: note.id, version: 2, changed: ["content"], source: "ai_revision", job_id: jobId },
      },
    ]);
  });

  test("never overwrites a text that the user changed meanwhile: the newest note is returned in its stead", async () => {
    const edited = await notes.update(note.id, { content: "it is wide" }, { actor: user });
    opened.takeEvents();
    expect(await apply("It is deep.")).toEqual({ applied: false, current: edited });
    expect(notes.get(note.id)).toEqual(edited);
    expect(opened.takeEvents()).toEqual([]);
  });

  test("keeps a title and tags that changed meanwhile", async () => {
    await notes.update(note.id, { title: "Ocean", tags: ["salt"] }, { actor: user });
    expect(await apply("It is deep.")).toEqual({ applied: true, version: 3 });
    expect(notes.get(note.id)).toMatchObject({ title: "Ocean", content: "It is deep.", tags: ["salt"] });
  });

  test("works on a note that was deleted and restored meanwhile", async () => {
    await notes.remove(note.id, { actor: user });
    await notes.restore(note.id, user);
    expect(await apply("It is deep.")).toEqual({ applied: true, version: 4 });
  });

  test("that changes nothing makes no version and no event", async () => {
    expect(await apply("it is deep")).toEqual({ applied: true, version: 1 });
    expect(opened.takeEvents()).toEqual([]);
  });

  test("fails for a deleted note, and for a text that no note can have", async () => {
    expect(await failureOf(() => apply("a\0b"))).toMatchObject({ code: "invalid" });
    expect(await failureOf(() => apply("x".repeat(contentBytesMax + 1)))).toMatchObject({ code: "too_large" });
    await notes.remove(note.id, { actor: user });
    expect(await failureOf(() => apply("It is deep."))).toMatchObject({ code: "not_found" });
  });

  test("is taken back together with the work it belongs to", async () => {
    const work = opened.writer.write((tx) => {
      notes.applyRevision(tx, { noteId: note.id, baseVersion: 1, content: "It is deep.", jobId, actor: worker });
      throw new Error("the job was cancelled");
    });
    expect(await failureOf(() => work)).toMatchObject({ message: "the job was cancelled" });
    expect(notes.get(note.id)).toEqual(note);
    expect(opened.takeEvents()).toEqual([]);
  });
});

describe("keeping a text aside", () => {
  test("stores it under a number of its own with the title and tags of now, and leaves the note as it is", async () => {
    const edited = await notes.update(note.id, { title: "Ocean", content: "it is wide" }, { actor: user });
    opened.takeEvents();
    expect(await keepAside("It is deep.")).toEqual({ version: 1_000_000_001 });
    expect(notes.get(note.id)).toEqual(edited);
    expect(notes.revision(note.id, 1_000_000_001)).toMatchObject({
      title: "Ocean",
      content: "It is deep.",
      tags: ["water"],
      source: "ai_revision",
      based_on: 1,
      job_id: jobId,
      actor: worker,
      applied: false,
    });
    expect(opened.takeEvents()).toMatchObject([
      {
        event: "NoteRevisionCreated",
        subject: `note:${note.id}`,
        actor: worker,
        data: { note_id: note.id, version: 1_000_000_001, source: "ai_revision", job_id: jobId },
      },
    ]);
  });

  test("the note's own versions go on without a gap, and the list is in the order of time", async () => {
    await keepAside("It is deep.");
    expect(await notes.update(note.id, { title: "Ocean" }, { actor: user, ifMatch: 1 })).toMatchObject({ version: 2 });
    await keepAside("It is wide.");
    expect(await notes.update(note.id, { title: "Sea" }, { actor: user, ifMatch: 2 })).toMatchObject({ version: 3 });
    const seen: [number, boolean][] = [];
    for (let cursor: string | undefined | null; cursor !== null; ) {
      const page = notes.revisions(note.id, { limit: 2, ...(cursor && { cursor }) });
      seen.push(...page.items.map((one): [number, boolean] => [one.version, one.applied]));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([
      [3, true],
      [1_000_000_002, false],
      [2, true],
      [1_000_000_001, false],
      [1, true],
    ]);
  });

  test("the user can choose it like any other revision", async () => {
    await keepAside("It is deep.");
    const chosen = await notes.restoreRevision(note.id, 1_000_000_001, { actor: user });
    expect(chosen).toMatchObject({ content: "It is deep.", version: 2 });
    expect(notes.revision(note.id, 2)).toMatchObject({ source: "restore", based_on: 1_000_000_001, applied: true });
    expect(notes.revision(note.id, 1_000_000_001).applied).toBe(false);
  });

  test("it is not found by a search", async () => {
    await keepAside("It is a whale.");
    expect(notes.list({ q: "whale", limit: 10 }).items).toEqual([]);
  });

  test("fails for a deleted note", async () => {
    await notes.remove(note.id, { actor: user });
    expect(await failureOf(() => keepAside("It is deep."))).toMatchObject({ code: "not_found" });
  });
});
