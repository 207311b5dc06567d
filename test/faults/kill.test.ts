import { afterEach, expect, test } from "bun:test";
import { complaints, Publishing, wholeLog } from "../support/publishing.ts";
import { ServerProcess } from "../support/server-process.ts";

let server: ServerProcess;

afterEach(() => server.stop());

test.each([
  ["full", 3],
  ["normal", 2],
])(
  "what was acknowledged with %s durability is there after the server was killed, again and again",
  async (durability, rounds) => {
    server = await ServerProcess.start({ MATRIC_DURABILITY: durability });
    const publishing = new Publishing();
    for (let round = 0; round < rounds; round++) {
      publishing.start(server.url, 8);
      const before = publishing.acknowledged.size;
      while (publishing.acknowledged.size < before + 300) await Bun.sleep(1);
      await server.kill();
      await publishing.stop();
      await server.restart();
      expect(complaints(publishing.acknowledged, await wholeLog(server.url))).toEqual([]);
    }
    expect(publishing.acknowledged.size).toBeGreaterThanOrEqual(300 * rounds);
    expect(publishing.refused.size).toBe(0);
  },
  30_000,
);

test("what was acknowledged is there after the server was asked to stop, and nobody was cut off", async () => {
  server = await ServerProcess.start();
  const publishing = new Publishing();
  publishing.start(server.url, 8);
  while (publishing.acknowledged.size < 300) await Bun.sleep(1);
  expect(await server.terminate()).toBe(0);
  await publishing.stop();
  expect([...publishing.refused.keys()].filter((status) => status !== 503)).toEqual([]);
  await server.restart();
  const kept = await wholeLog(server.url);
  expect(complaints(publishing.acknowledged, kept)).toEqual([]);
  // Nor was anything stored that was not answered: whoever asked got the answer before the connection was closed.
  expect(kept.length).toBe(publishing.acknowledged.size);
}, 30_000);
