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
          note.settle(note.newer.value.note);
          typed = undefined;
        } else if (one === "keep mine" && note.newer.value) {
          note.settle({ title: note.title.value, tags: note.tags.value, content: note.content.value });
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

test("what is refused while the note is being fetched for another reason is not taken for saved", async () => {
  const { id } = await client.notes.create({ title: "Shared", content: "0" });
  const answer = Promise.withResolvers<void>();
  let isHeld = false;
  const slow = createClient({
    url: app.url,
    fetch: async (request, init) => {
      const response = await fetch(request, init);
      const method = init?.method ?? (request instanceof Request ? request.method : "GET");
      if (isHeld && method === "GET") await answer.promise;
      return response;
    },
  });
  const note = new OpenNote(id, { client: slow, drafts: new Drafts(storage()), onRefreshed() {}, onFetched() {} });
  await note.load();
  isHeld = true;
  const recheck = note.recheck();
  note.content.value = "mine";
  await client.notes.update(id, { content: "theirs" });
  const saved = note.save();
  await eventually(() => !note.isSaving.value);
  answer.resolve();
  expect(await saved).toBe(false);
  expect(note.newer.value?.note.content).toBe("theirs");
  await recheck;
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
