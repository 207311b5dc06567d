import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, createClient } from "../../../../src/client/client.ts";
import { ReceivedEvent } from "../../../../src/client/stream-item.ts";
import { NoteList } from "../../../../src/ui/page/notes/note-list.ts";
import { eventually } from "../../../support/eventually.ts";
import { startApp, type TestApp } from "../../../support/start-app.ts";

let app: TestApp;
let client: Client;
beforeAll(async () => {
  app = await startApp();
  client = createClient({ url: app.url });
});
afterAll(() => app.stop());

/** A list, and the server's answer to what it asked last: the server has given it, and it is on its way. */
function slowList() {
  const asked: { arrives: () => void }[] = [];
  const slow = createClient({
    url: app.url,
    fetch: async (request, init) => {
      const response = await fetch(request, init);
      if (!new URL(request instanceof Request ? request.url : request).pathname.endsWith("/notes")) return response;
      await new Promise<void>((arrives) => asked.push({ arrives }));
      return response;
    },
  });
  const list = new NoteList(slow);
  return {
    list,
    titles: () => list.rows.value.map(({ title }) => title),
    async answered() {
      await eventually(() => asked.length > 0);
      return asked.shift() ?? { arrives() {} };
    },
    /** The list hears of what has happened since. */
    async hear(since: string) {
      const { items } = await client.events.list({ after: since });
      list.arrived(
        items.map((item) => ({
          event: new ReceivedEvent("event", item.event, item.id ?? "", JSON.stringify(item)),
          receivedAtMs: Date.now(),
        })),
      );
    },
  };
}

const now = async () => (await client.server.health()).log.head;

async function emptied(): Promise<void> {
  for (const { id } of (await client.notes.list()).items) await client.notes.remove(id);
}

test("a note that was deleted while the list was on its way is not in it", async () => {
  await emptied();
  const { id } = await client.notes.create({ title: "Goes", content: "" });
  await client.notes.create({ title: "Stays", content: "" });
  const { list, titles, answered, hear } = slowList();
  list.load();
  const answer = await answered();
  const since = await now();
  await client.notes.remove(id);
  await hear(since);
  answer.arrives();
  await eventually(() => list.state.value === "ready");
  expect(titles()).toEqual(["Stays"]);
});

test("nor does one come back that was deleted while new notes were on their way, but when it is restored it does", async () => {
  await emptied();
  const { list, titles, answered, hear } = slowList();
  list.load();
  (await answered()).arrives();
  await eventually(() => list.state.value === "ready");
  let since = await now();
  const { id } = await client.notes.create({ title: "Short-lived", content: "" });
  await hear(since);
  const answer = await answered();
  since = await now();
  await client.notes.remove(id);
  await client.notes.create({ title: "New", content: "" });
  await hear(since);
  answer.arrives();
  (await answered()).arrives();
  await eventually(() => titles().includes("New"));
  expect(titles()).toEqual(["New"]);
  since = await now();
  await client.notes.restore(id);
  await hear(since);
  (await answered()).arrives();
  await eventually(() => titles().includes("Short-lived"));
});

test("a note that was changed while the list was on its way is shown as it is", async () => {
  await emptied();
  const told = await client.notes.create({ title: "Told", content: "" });
  const shown = await client.notes.create({ title: "Shown", content: "" });
  const { list, titles, answered, hear } = slowList();
  list.load();
  const answer = await answered();
  const since = await now();
  list.openNoteId = shown.id;
  await client.notes.update(told.id, { title: "Told, changed" });
  list.put(await client.notes.update(shown.id, { title: "Shown, changed" }));
  await hear(since);
  answer.arrives();
  await eventually(() => list.state.value === "ready");
  list.see(list.rows.value.map(({ id }) => id));
  await eventually(() => titles().join() === "Shown, changed,Told, changed");
});
