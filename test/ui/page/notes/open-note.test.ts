import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { type Client, createClient } from "../../../../src/client/client.ts";
import { Drafts } from "../../../../src/ui/page/notes/drafts.ts";
import { OpenNote } from "../../../../src/ui/page/notes/open-note.ts";
import { eventually } from "../../../support/eventually.ts";
import { startApp, type TestApp } from "../../../support/start-app.ts";

let app: TestApp;
let client: Client;
beforeAll(async () => {
  app = await startApp();
  client = createClient({ url: app.url });
});
afterAll(() => app.stop());

const step = fc.constantFrom("type", "save", "change", "tell", "tell twice", "take theirs", "keep mine");

test("whatever comes in whatever order, nothing that was typed is lost unless the person gives it up", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const { id } = await client.notes.create({ title: "Shared", content: "0", tags: [] });
      const note = new OpenNote(id, { client, drafts: new Drafts(storage()), onRefreshed() {}, onFetched() {} });
      await note.load();
      let words = 0;
      /** What was typed and is neither saved nor given up. */
      let typed: string | undefined;
      const untold: number[] = [];
      for (const one of steps) {
        if (one === "type") {
          typed = `mine ${++words}`;
          note.content.value = typed;
        } else if (one === "save" && (await note.save())) {
          if (typed !== undefined) {
            expect((await client.notes.get(id)).content).toBe(typed);
            untold.unshift(note.base.value?.version ?? 0);
          }
          typed = undefined;
        } else if (one === "change") {
          untold.push((await client.notes.update(id, { content: `theirs ${++words}` })).version);
        } else if (one.startsWith("tell")) {
          const version = untold.splice(Math.floor(untold.length / 2), 1)[0];
          for (let time = 0; version && time < (one === "tell" ? 1 : 2); time++) note.updated(version, { source: "user" });
        } else if (one === "take theirs" && note.newer.value) {
          note.settle(note.newer.value, note.newer.value.note);
          typed = undefined;
        } else if (one === "keep mine" && note.newer.value) {
          note.settle(note.newer.value, { title: note.title.value, tags: note.tags.value, content: note.content.value });
        }
        if (typed !== undefined) expect(note.content.value).toBe(typed);
      }
      for (const version of untold) note.updated(version, { source: "user" });
      const newest = await client.notes.get(id);
      await eventually(async () => (note.newer.value?.note.version ?? note.base.value?.version) === newest.version);
      expect(note.content.value).toBe(typed ?? newest.content);
      note.close();
    }),
    { numRuns: 150 },
  );
}, 60_000);

/** A note whose answers of the server, from `hold` on, are given but on their way until `arrive`. */
function slowNote(id: string, method: "GET" | "PATCH") {
  const answer = Promise.withResolvers<void>();
  let isHeld = false;
  let held = 0;
  const slow = createClient({
    url: app.url,
    fetch: async (request, init) => {
      const response = await fetch(request, init);
      if (!isHeld || (init?.method ?? (request instanceof Request ? request.method : "GET")) !== method) return response;
      held++;
      await answer.promise;
      return response;
    },
  });
  return {
    note: new OpenNote(id, { client: slow, drafts: new Drafts(storage()), onRefreshed() {}, onFetched() {} }),
    hold() {
      isHeld = true;
    },
    answered: () => eventually(() => held > 0),
    arrive: () => answer.resolve(),
  };
}

test("what is refused while the note is being fetched for another reason is not taken for saved", async () => {
  const { id } = await client.notes.create({ title: "Shared", content: "0" });
  const { note, hold, arrive } = slowNote(id, "GET");
  await note.load();
  hold();
  const recheck = note.recheck();
  note.content.value = "mine";
  await client.notes.update(id, { content: "theirs" });
  const saved = note.save();
  await eventually(() => !note.isSaving.value);
  arrive();
  expect(await saved).toBe(false);
  expect(note.newer.value?.note.content).toBe("theirs");
  await recheck;
  note.close();
});

test("what is typed while a save is under way is stored by the next one, which waits for it", async () => {
  const { id } = await client.notes.create({ title: "Mine", content: "0" });
  const { note, hold, answered, arrive } = slowNote(id, "PATCH");
  await note.load();
  hold();
  note.content.value = "one";
  const saves = [note.save()];
  await answered();
  note.content.value = "one two";
  saves.push(note.save(), note.save());
  arrive();
  expect(await Promise.all(saves)).toEqual([true, true, true]);
  expect(await client.notes.get(id)).toMatchObject({ content: "one two", version: 3 });
  expect([note.isDirty.value, note.newer.value]).toEqual([false, undefined]);
  note.close();
});

test("what could not be looked up when it may have been missed is looked up with the next word about the note", async () => {
  const { id } = await client.notes.create({ title: "Missed", content: "0" });
  let isRefused = false;
  const moody = createClient({
    url: app.url,
    fetch: async (request, init) => (isRefused ? new Response(null, { status: 403 }) : fetch(request, init)),
  });
  const note = new OpenNote(id, { client: moody, drafts: new Drafts(storage()), onRefreshed() {}, onFetched() {} });
  await note.load();
  await client.notes.update(id, { content: "missed" });
  isRefused = true;
  await note.recheck();
  expect([note.isBehind.value, note.content.value]).toEqual([true, "0"]);
  isRefused = false;
  // A server that was restored from a copy tells of versions that were had before.
  note.updated(1, { source: "user" });
  await eventually(() => note.content.value === "missed");
  expect(note.isBehind.value).toBe(false);
  note.close();
});

test("a choice is about what was shown: a version that came after it is not written over", async () => {
  const { id } = await client.notes.create({ title: "Shared", content: "0" });
  const { note } = slowNote(id, "GET");
  await note.load();
  note.content.value = "mine";
  const told = async (content: string) => {
    const { version } = await client.notes.update(id, { content });
    note.updated(version, { source: "user" });
    await eventually(() => note.newer.value?.note.version === version);
    return note.newer.value;
  };
  const shown = await told("theirs");
  await told("theirs again");
  if (shown) note.settle(shown, { title: "Shared", tags: [], content: "mine" });
  expect(await note.save()).toBe(false);
  expect((await client.notes.get(id)).content).toBe("theirs again");
  expect(note.newer.value?.note.content).toBe("theirs again");
  note.close();
});

/** The server has answered with the note, and the answer has not arrived yet. */
async function noteOnItsWay(stored: { title: string; content: string }) {
  const { id } = await client.notes.create(stored);
  const { note, hold, answered, arrive } = slowNote(id, "GET");
  hold();
  const loaded = note.load();
  await answered();
  return { id, note, arrive, loaded };
}

test("a change that is told while the note is on its way is shown", async () => {
  const { id, note, arrive, loaded } = await noteOnItsWay({ title: "Early", content: "0" });
  await client.notes.update(id, { content: "1" });
  note.updated(2, { source: "user" });
  arrive();
  await loaded;
  await eventually(() => note.content.value === "1");
  note.close();
});

test("a note that is deleted while it is on its way is shown as deleted, and its restoring brings it back", async () => {
  const { id, note, arrive, loaded } = await noteOnItsWay({ title: "Gone", content: "Words" });
  await client.notes.remove(id);
  note.deleted();
  arrive();
  await loaded;
  expect([note.state.value, note.content.value]).toEqual(["deleted", "Words"]);
  note.restored((await client.notes.restore(id)).version);
  expect(note.state.value).toBe("ready");
  note.close();
});

test("a note that was missing when it was opened is shown when somebody restores it", async () => {
  const { id } = await client.notes.create({ title: "Back", content: "Words" });
  await client.notes.remove(id);
  const { note } = slowNote(id, "GET");
  await note.load();
  expect(note.state.value).toBe("missing");
  note.restored((await client.notes.restore(id)).version);
  await eventually(() => note.state.value === "ready");
  expect([note.title.value, note.content.value]).toEqual(["Back", "Words"]);
  note.close();
});

/** As much of a browser's store as drafts need. */
function storage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
}
