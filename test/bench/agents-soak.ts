// bun test/bench/agents-soak.ts [seconds] [kill every so many seconds]: agents of every kind follow the log of the built binary,
// as its tools tell them to, while it is killed again and again. Every event must reach each of them once.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { buildBinary } from "../support/binary.ts";
import { BinaryServer } from "../support/binary-server.ts";
import { Following } from "../support/following.ts";
import { type Agent, agentOf, connectAgent, type Revision, revisions } from "../support/mcp.ts";
import { Publishing, wholeLog } from "../support/publishing.ts";

const [seconds = 600, killEverySeconds = 30] = process.argv.slice(2).map(Number);
const publishEveryMs = 20;
const catchUpMs = 60_000;

const binary = buildBinary();
const dataDir = mkdtempSync(join(tmpdir(), "matric-soak-"));
const server = new BinaryServer(binary.path, dataDir);
await server.start();

async function overStdio(revision: Revision): Promise<Agent> {
  const mode = revision === "2025-11-25" ? "legacy" : { pin: revision };
  const client = new Client({ name: "soak", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(new StdioClientTransport({ command: binary.path, args: ["mcp", "--url", server.url], stderr: "inherit" }));
  return agentOf(client);
}

const agents = await Promise.all(
  revisions.flatMap((revision) => [
    connectAgent(`${server.url}/mcp`, revision).then((agent) => ({ name: `${revision} over HTTP`, agent })),
    overStdio(revision).then((agent) => ({ name: `${revision} over stdio`, agent })),
  ]),
);
const following = await Promise.all(
  agents.map(async ({ name, agent }) => ({ name, agent, following: await Following.begin(agent, ["ThingHappened"]) })),
);

const publishing = new Publishing();
const startedAt = performance.now();
const elapsedSeconds = () => (performance.now() - startedAt) / 1000;
let kills = 0;
const killing = (async () => {
  while (elapsedSeconds() < seconds - killEverySeconds) {
    await Bun.sleep(killEverySeconds * 1000);
    await server.kill();
    await Bun.sleep(Math.random() * 1000);
    await server.start();
    kills++;
  }
})();
while (elapsedSeconds() < seconds) {
  await publishing.once(server.url, 1 + Math.floor(Math.random() * 3));
  await Bun.sleep(Math.random() * 2 * publishEveryMs);
}
await killing;

const ids = (await wholeLog(server.url)).map(({ id }) => id);
const deadline = performance.now() + catchUpMs;
while (following.some((one) => one.following.told.length < ids.length) && performance.now() < deadline) await Bun.sleep(100);
await Promise.all(following.map((one) => one.following.stop()));

process.stdout.write(`${Math.round(elapsedSeconds())} s, ${kills} kills, ${ids.length} events\n`);
let isGood = true;
for (const { name, following: one } of following) {
  const missed = ids.filter((id) => !one.told.includes(id)).length;
  const repeated = one.told.length - new Set(one.told).size;
  const isInOrder = Bun.deepEquals(one.told, ids);
  isGood &&= isInOrder && one.gaps === 0;
  process.stdout.write(
    `${name}: ${missed} missed, ${repeated} repeated, in order: ${isInOrder}, calls that failed: ${one.failures}\n`,
  );
}
await Promise.all(agents.map(({ agent }) => agent.close()));
await server.stop();
binary.remove();
rmSync(dataDir, { recursive: true });
process.exit(isGood ? 0 : 1);
