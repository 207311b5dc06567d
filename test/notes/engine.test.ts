import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { UpdateNote } from "../../src/notes/contract.ts";
import { agent, failureOf, openNotes, user } from "../support/notes.ts";

let opened: ReturnType<typeof openNotes>;
let notes: typeof opened.notes;

beforeEach(() => {
  opened = openNotes();
  notes = opened.notes;
});
afterEach(() => opened.close());

/** A note at version 1 whose event has been looked at. */
async function createNote(text: { title?: string; content?: string; tags?: string[] } = {}) {
  const note = await notes.create({ title: "Sea", content: "It is deep.", tags: ["water"], ...text }, user);
  opened.takeEvents();
  return note;
}

describe("creating", () => {
  test("a note begins at version 1 and can be read at once", async () => {
    const note = await notes.create({ title: " Sea ", content: "It is deep.", tags: ["water", "water"] }, user);
    expect(note).toEqual({
      id: note.id,
      title: "Sea",
      content: "It is deep.",
      tags: ["water"],
      version: 1,
      created_at: "2026-02-05T10:30:00.000Z",
      updated_at: "2026-02-05T10:30:00.000Z",
    });
    expect(note.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(notes.get(note.id)).toEqual(note);
  });

  test("it is told as NoteCreated, with who did it", async () => {
    const note = await notes.create({ title: "Sea", content: "" }, agent);
    expect(opened.takeEvents()).toMatchObject([
      { event: "NoteCreated", subject: `note:${note.id}`, actor: agent, data: { note_id: note.id, version: 1 } },
    ]);
  });

  test("tags can be left out", async () => {
    expect((await notes.create({ title: "Sea", content: "" }, user)).tags).toEqual([]);
  });

  test("a text that no note can have is refused, and nothing is stored or told", async () => {
    const failure = failureOf(() => notes.create({ title: "Sea", content: "a\0b" }, user));
    expect(await failure).toMatchObject({ code: "invalid", details: { field: "content" } });
    expect(notes.list({ limit: 10 }).items).toEqual([]);
    expect(opened.takeEvents()).toEqual([]);
  });

  test("every character comes back as it was sent", async () => {
    const content = "\ufeff🌊 \u2028 e\u0301 \u0001 \r\n\t'\"\\";
    const note = await notes.create({ title: '"Sea" \'n\\ 🌊', content, tags: ['a"b', "c\\d", "日本"] }, user);
    expect(notes.get(note.id)).toEqual(note);
    expect(note).toMatchObject({ title: '"Sea" \'n\\ 🌊', content, tags: ['a"b', "c\\d", "日本"] });
  });
});

describe("changing", () => {
  test("what the patch names is changed, the rest stays, and the version grows by one", async () => {
    const note = await createNote();
    await opened.clock.advance(5000);
    const changed = await notes.update(note.id, { content: "It is wide." }, { actor: user });
    expect(changed).toEqual({ ...note, content: "It is wide.", version: 2, updated_at: "2026-02-05T10:30:05.000Z" });
    expect(notes.get(note.id)).toEqual(changed);
  });

  test("it is told as NoteUpdated, with what changed and whose text it is", async () => {
    const note = await createNote();
    await notes.update(note.id, { title: "Ocean", content: note.content, tags: [] }, { actor: agent });
    expect(opened.takeEvents()).toMatchObject([
      {
        event: "NoteUpdated",
        subject: `note:${note.id}`,
        actor: agent,
        data: { note_id: note.id, version: 2, changed: ["title", "tags"], source: "agent" },
      },
    ]);
  });

  test("another order of tags is a change", async () => {
    const note = await createNote({ tags: ["a", "b"] });
    expect(await notes.update(note.id, { tags: ["b", "a"] }, { actor: user })).toMatchObject({ tags: ["b", "a"], version: 2 });
  });

  const samePatches: UpdateNote[] = [{}, { title: " Sea ", tags: ["water", "water "] }, { content: "It is deep." }];
  test.each(samePatches)("the patch %j changes nothing: no version, no revision, no event", async (patch) => {
    const note = await createNote();
    await opened.clock.advance(5000);
    expect(await notes.update(note.id, patch, { actor: user })).toEqual(note);
    expect(notes.revisions(note.id, { limit: 10 }).items).toHaveLength(1);
    expect(opened.takeEvents()).toEqual([]);
  });

  test("a stale version is refused with the one that is stored, even if nothing would change", async () => {
    const note = await createNote();
    await notes.update(note.id, { title: "Ocean" }, { actor: user, ifMatch: 1 });
    expect(await failureOf(() => notes.update(note.id, { title: "Ocean" }, { actor: user, ifMatch: 1 }))).toMatchObject({
      code: "version_conflict",
      details: { current_version: 2 },
      message: "The note has changed: it is at version 2 now, not 1. Read it again and decide what to keep.",
    });
    expect(notes.get(note.id).version).toBe(2);
  });

  test("a text that no note can have is refused, and the note stays", async () => {
    const note = await createNote();
    expect(await failureOf(() => notes.update(note.id, { tags: ["fine", ""] }, { actor: user }))).toMatchObject({
      code: "invalid",
      details: { field: "tags.1" },
    });
    expect(notes.get(note.id)).toEqual(note);
  });

  test("an unknown note is not found", async () => {
    expect(await failureOf(() => notes.update("nowhere", { title: "Ocean" }, { actor: user }))).toMatchObject({
      code: "not_found",
    });
    expect(await failureOf(() => notes.get("nowhere"))).toMatchObject({ message: 'There is no note with the id "nowhere".' });
  });
});

describe("deleting and restoring", () => {
  test("a deleted note is not found by anything but restore", async () => {
    const note = await createNote();
    await notes.remove(note.id, { actor: user });
    const attempts = [
      () => notes.get(note.id),
      () => notes.update(note.id, { title: "Ocean" }, { actor: user }),
      () => notes.remove(note.id, { actor: user }),
      () => notes.revisions(note.id, { limit: 10 }),
      () => notes.revision(note.id, 1),
      () => notes.restoreRevision(note.id, 1, { actor: user }),
    ];
    for (const attempt of attempts) expect(await failureOf(attempt)).toMatchObject({ code: "not_found" });
    for (const filter of [{}, { q: "sea" }, { tag: "water" }, { q: "sea", tag: "water" }]) {
      expect(notes.list({ ...filter, limit: 10 }).items).toEqual([]);
    }
  });

  test("both count as versions and are told", async () => {
    const note = await createNote();
    await notes.remove(note.id, { actor: agent, ifMatch: 1 });
    await notes.restore(note.id, user);
    expect(opened.takeEvents()).toMatchObject([
      { event: "NoteDeleted", subject: `note:${note.id}`, actor: agent, data: { note_id: note.id, version: 2 } },
      { event: "NoteRestored", subject: `note:${note.id}`, actor: user, data: { note_id: note.id, version: 3 } },
    ]);
  });

  test("a restored note says what it said, and is found again", async () => {
    const note = await createNote();
    await notes.update(note.id, { content: "It is wide." }, { actor: user });
    await notes.remove(note.id, { actor: user });
    await opened.clock.advance(5000);
    const restored = await notes.restore(note.id, user);
    expect(restored).toEqual({ ...note, content: "It is wide.", version: 4, updated_at: "2026-02-05T10:30:05.000Z" });
    for (const filter of [{}, { q: "wide" }, { tag: "water" }, { q: "wide", tag: "water" }]) {
      expect(notes.list({ ...filter, limit: 10 }).items).toEqual([restored]);
    }
    expect(notes.revisions(note.id, { limit: 10 }).items.map((one) => one.version)).toEqual([4, 3, 2, 1]);
  });

  test("a note that is not deleted cannot be restored", async () => {
    const note = await createNote();
    expect(await failureOf(() => notes.restore(note.id, user))).toMatchObject({ code: "conflict" });
    expect(await failureOf(() => notes.restore("nowhere", user))).toMatchObject({ code: "not_found" });
    expect(opened.takeEvents()).toEqual([]);
  });

  test("a stale version is not deleted", async () => {
    const note = await createNote();
    await notes.update(note.id, { title: "Ocean" }, { actor: user });
    expect(await failureOf(() => notes.remove(note.id, { actor: user, ifMatch: 1 }))).toMatchObject({
      code: "version_conflict",
      details: { current_version: 2 },
    });
    expect(notes.get(note.id).title).toBe("Ocean");
  });
});

describe("revisions", () => {
  test("each tells its text, who made it, from what and when; the newest comes first", async () => {
    const note = await createNote();
    await opened.clock.advance(1000);
    await notes.update(note.id, { title: "Ocean", tags: ["water", "salt"] }, { actor: agent });
    const first = {
      note_id: note.id,
      version: 1,
      based_on: null,
      title: "Sea",
      content: "It is deep.",
      tags: ["water"],
      source: "user" as const,
      actor: user,
      job_id: null,
      applied: true,
      created_at: "2026-02-05T10:30:00.000Z",
    };
    const second = {
      ...first,
      version: 2,
      based_on: 1,
      title: "Ocean",
      tags: ["water", "salt"],
      source: "agent" as const,
      actor: agent,
      created_at: "2026-02-05T10:30:01.000Z",
    };
    expect(notes.revisions(note.id, { limit: 10 })).toEqual({ items: [second, first], next_cursor: null });
    expect(notes.revision(note.id, 1)).toEqual(first);
  });

  test("they come in pages", async () => {
    const note = await createNote();
    for (let version = 2; version <= 5; version++) await notes.update(note.id, { title: `Sea ${version}` }, { actor: user });
    const pages: number[][] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = notes.revisions(note.id, { limit: 2, ...(cursor && { cursor }) });
      pages.push(page.items.map((one) => one.version));
      cursor = page.next_cursor;
    }
    expect(pages).toEqual([[5, 4], [3, 2], [1]]);
  });

  test("one that there is not is not found", async () => {
    const note = await createNote();
    expect(await failureOf(() => notes.revision(note.id, 2))).toMatchObject({
      code: "not_found",
      message: `The note "${note.id}" has no revision 2.`,
    });
  });

  test("one can be made the note's text again, as a new version", async () => {
    const note = await createNote();
    await notes.update(note.id, { title: "Ocean", content: "It is wide.", tags: ["salt"] }, { actor: user });
    opened.takeEvents();
    const restored = await notes.restoreRevision(note.id, 1, { actor: agent, ifMatch: 2 });
    expect(restored).toEqual({ ...note, version: 3 });
    expect(notes.revision(note.id, 3)).toMatchObject({ title: "Sea", source: "restore", based_on: 1, actor: agent });
    expect(opened.takeEvents()).toMatchObject([
      {
        event: "NoteUpdated",
        actor: agent,
        data: { note_id: note.id, version: 3, changed: ["title", "content", "tags"], source: "restore" },
      },
    ]);
    expect(notes.list({ tag: "water", limit: 10 }).items).toEqual([restored]);
    expect(notes.list({ tag: "salt", limit: 10 }).items).toEqual([]);
  });

  test("choosing what the note says already changes nothing", async () => {
    const note = await createNote();
    expect(await notes.restoreRevision(note.id, 1, { actor: user })).toEqual(note);
    expect(opened.takeEvents()).toEqual([]);
  });

  test("a choice made for another version is refused", async () => {
    const note = await createNote();
    await notes.update(note.id, { title: "Ocean" }, { actor: user });
    expect(await failureOf(() => notes.restoreRevision(note.id, 1, { actor: user, ifMatch: 1 }))).toMatchObject({
      code: "version_conflict",
      details: { current_version: 2 },
    });
  });
});

describe("changes that come at the same moment", () => {
  test("each gets a version of its own, in the order in which they came", async () => {
    const note = await createNote();
    const titles = Array.from({ length: 200 }, (_, index) => `Sea ${index}`);
    const changed = await Promise.all(titles.map((title) => notes.update(note.id, { title }, { actor: user })));
    expect(changed.map((one) => [one.version, one.title])).toEqual(titles.map((title, index) => [index + 2, title]));
    expect(opened.takeEvents().map((event) => event.data.version)).toEqual(changed.map((one) => one.version));
  });

  test("of many made for the same version one wins, and the others learn the version it has now", async () => {
    const note = await createNote();
    const attempts = Array.from({ length: 50 }, (_, index) =>
      notes.update(note.id, { title: `Sea ${index}` }, { actor: user, ifMatch: 1 }),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.map((one) => one.status)).toEqual(["fulfilled", ...Array(49).fill("rejected")]);
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: "version_conflict", details: { current_version: 2 } } });
    expect(notes.get(note.id)).toMatchObject({ title: "Sea 0", version: 2 });
    expect(opened.takeEvents()).toHaveLength(1);
  });

  test("one that fails takes nothing of the others with it", async () => {
    const note = await createNote();
    const outcomes = await Promise.allSettled([
      notes.create({ title: "First", content: "" }, user),
      notes.update("nowhere", { title: "Lost" }, { actor: user }),
      notes.update(note.id, { title: "Ocean" }, { actor: user }),
      notes.create({ title: "", content: "" }, user),
      notes.remove(note.id, { actor: user, ifMatch: 9 }),
      notes.create({ title: "Last", content: "" }, user),
    ]);
    expect(outcomes.map((one) => one.status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    expect(
      notes
        .list({ limit: 10 })
        .items.map((one) => one.title)
        .sort(),
    ).toEqual(["First", "Last", "Ocean"]);
    expect(opened.takeEvents().map((event) => event.event)).toEqual(["NoteCreated", "NoteUpdated", "NoteCreated"]);
  });
});
