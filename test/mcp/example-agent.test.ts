import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { eventually } from "../support/eventually.ts";
import { ServerProcess } from "../support/server-process.ts";

const program = join(import.meta.dir, "example-agent.ts");

test("the example agent tags every note that changes, once, and goes on after a crash of the server", async () => {
  const server = await ServerProcess.start();
  const { notes, events } = createClient({ url: server.url });
  const agent = Bun.spawn([process.execPath, program], { env: { MATRIC_URL: server.url }, stdout: "ignore", stderr: "ignore" });
  const change = async (title: string) => {
    const { id } = await notes.create({ title, content: "one", tags: ["mine"] });
    await notes.update(id, { content: "two" });
    return id;
  };
  const isTagged = async (id: string) => Bun.deepEquals((await notes.get(id)).tags, ["mine", "read-by-agent"]);
  await eventually(async () => isTagged(await change("warming up")));
  const before = await change("before");
  await eventually(() => isTagged(before));
  await server.kill();
  await server.restart();
  const during = [await change("while it is away"), await change("and another")];
  for (const id of during) await eventually(() => isTagged(id));
  const told = async () => {
    const { items } = await events.list({ filter: { events: ["NoteUpdated"], noteIds: [before, ...during] }, after: "earliest" });
    return items.map(({ actor, data }) => `${data.note_id} ${actor.kind}`).sort();
  };
  const once = [before, ...during].flatMap((id) => [`${id} agent`, `${id} user`]);
  await eventually(async () => Bun.deepEquals(await told(), once));
  agent.kill();
  await agent.exited;
  await server.stop();
}, 30_000);

test("it is short enough to be read", () => {
  expect(readFileSync(program, "utf8").split("\n").length).toBeLessThan(60);
});
