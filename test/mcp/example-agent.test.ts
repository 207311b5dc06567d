import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { eventually } from "../support/eventually.ts";
import { recipe } from "../support/readme.ts";
import { ServerProcess } from "../support/server-process.ts";

const code = recipe("agent");
const folder = mkdtempSync(join(tmpdir(), "matric-agent-"));
const program = join(folder, "agent.mjs");
// A batch of five seconds would only make this slow.
writeFileSync(program, code.replace("batch_ms=5000", "batch_ms=50"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([process.execPath, "node"])(
  "the example agent tags every note that changes, once, and goes on after a crash of the server: %s",
  async (runtime) => {
    const server = await ServerProcess.start();
    const client = createClient({ url: server.url });
    const { notes, events } = client;
    const agent = Bun.spawn([runtime, program], {
      env: { PATH: process.env.PATH ?? "", MATRIC_URL: server.url },
      stdout: "ignore",
      stderr: "ignore",
    });
    const change = async (title: string) => {
      const { id } = await notes.create({ title, content: "one", tags: ["mine"] });
      await notes.update(id, { content: "two" });
      return id;
    };
    const isTagged = async (id: string) => Bun.deepEquals((await notes.get(id)).tags, ["mine", "read-by-agent"]);
    await eventually(async () => (await client.server.health()).connections.sse === 1);
    const before = await change("before");
    await eventually(() => isTagged(before));
    await server.kill();
    await server.restart();
    const during = [await change("while it is away"), await change("and another")];
    for (const id of during) await eventually(() => isTagged(id));
    const told = async () => {
      const filter = { events: ["NoteUpdated"], noteIds: [before, ...during] };
      const { items } = await events.list({ filter, after: "earliest" });
      return items.map(({ actor, data }) => `${data.note_id} ${actor.kind}`).sort();
    };
    const once = [before, ...during].flatMap((id) => [`${id} agent`, `${id} user`]);
    await eventually(async () => Bun.deepEquals(await told(), once));
    agent.kill();
    await agent.exited;
    await server.stop();
  },
  30_000,
);

test("it is short enough to be read", () => {
  expect(code.split("\n").length).toBeLessThan(60);
  expect(code).toContain("batch_ms=5000");
});
