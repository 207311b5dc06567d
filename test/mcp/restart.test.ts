import { afterEach, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { Following } from "../support/following.ts";
import { type Agent, connectAgent, revisions } from "../support/mcp.ts";
import { Publishing, wholeLog } from "../support/publishing.ts";
import { ServerProcess } from "../support/server-process.ts";

let server: ServerProcess;
let agents: Agent[];

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.close()));
  await server.stop();
});

test("agents miss nothing and get nothing twice while the server is killed again and again", async () => {
  server = await ServerProcess.start();
  agents = await Promise.all(revisions.map((revision) => connectAgent(`${server.url}/mcp`, revision)));
  const following = await Promise.all(agents.map((agent) => Following.begin(agent, ["ThingHappened"])));
  const publishing = new Publishing();
  for (let round = 0; round < 2; round++) {
    publishing.start(server.url, 2);
    const before = following.map(({ told }) => told.length);
    await eventually(() => following.every(({ told }, index) => told.length > (before[index] ?? 0) + 100));
    await server.kill();
    await publishing.stop();
    await server.restart();
  }
  const ids = (await wholeLog(server.url)).map(({ id }) => id);
  await eventually(() => following.every(({ told }) => told.length >= ids.length));
  await Promise.all(following.map((one) => one.stop()));
  for (const { told, gaps, failures } of following) {
    expect([told, gaps]).toEqual([ids, 0]);
    expect(failures).toBeGreaterThanOrEqual(2);
  }
}, 60_000);
