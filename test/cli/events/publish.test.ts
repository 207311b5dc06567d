import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../../src/client/client.ts";
import { jsonLines, runCli } from "../../support/cli.ts";
import { ServerProcess } from "../../support/server-process.ts";

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start();
});
afterAll(() => server.stop());

const run = (args: string[], stdin?: string | Uint8Array) =>
  runCli(["events", ...args], stdin === undefined ? { url: server.url } : { url: server.url, stdin });
const dataOf = async (id: string) => (await createClient({ url: server.url }).events.get(id.trim())).data;

describe("events publish", () => {
  test("writes the id of the event", async () => {
    const { code, stdout } = await run(["publish", "DeployFinished", "--data", '{"ok":true}', "--subject", "deploy:5"]);
    expect(code).toBe(0);
    expect(await createClient({ url: server.url }).events.get(stdout.trim())).toMatchObject({
      event: "DeployFinished",
      subject: "deploy:5",
      data: { ok: true },
    });
    expect(jsonLines((await run(["publish", "DeployFinished", "--json"])).stdout)).toEqual([{ id: expect.any(String) }]);
  });

  test("takes the data from a file or from stdin", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "matric-test-")), "data.json");
    await writeFile(file, '{"from":"file"}');
    expect(await dataOf((await run(["publish", "X", "--data", `@${file}`])).stdout)).toEqual({ from: "file" });
    expect(await dataOf((await run(["publish", "X", "--data", "-"], '{"from":"stdin"}')).stdout)).toEqual({ from: "stdin" });
  });

  test("refuses what is no text, and names that are matric's own", async () => {
    expect(await run(["publish", "X", "--data", "-"], new Uint8Array([0xff, 0xfe]))).toMatchObject({
      code: 1,
      stderr: "error: The input is not UTF-8 text.\n",
    });
    expect((await run(["publish", "NoteUpdated"])).code).toBe(2);
  });
});

describe("events list", () => {
  test.each(["since", "after", "before"])("names the option that is no place in the log: --%s", async (name) => {
    const { code, stderr } = await run(["list", `--${name}`, "soon"]);
    expect(code).toBe(2);
    expect(stderr).toStartWith(`error: ${name} must be an event id`);
  });

  test("reads history over several pages, in order, as JSON or between tabs", async () => {
    const ids = await createClient({ url: server.url }).events.publishAll(
      Array.from({ length: 700 }, (_, n) => ({ event: "Listed", data: { n } })),
    );
    const json = await run(["list", "--events", "Listed", "--limit", "600", "--json"]);
    expect(jsonLines(json.stdout).map(({ id }) => id)).toEqual(ids.slice(0, 600));
    const plain = await run(["list", "--events", "Listed", "--after", ids[9] ?? "", "--before", ids[12] ?? ""]);
    expect(plain.stdout.split("\n").map((line) => line.split("\t")[0])).toEqual([...ids.slice(10, 12), ""]);
    expect(plain.stderr).toBe("");
    const since = await run(["list", "--events", "Listed", "--since", ids[9] ?? "", "--before", ids[12] ?? ""]);
    expect(since.stdout).toBe(plain.stdout);
    expect((await run(["list", "--events", "Listed", "--since", "1h", "--limit", "1", "--json"])).stdout).toContain(
      ids[0] ?? "-",
    );
  });

  test("tells of events that cannot be had, beside those that can", async () => {
    const { code, stdout, stderr } = await run(["list", "--after", "3-zzzzzz", "--limit", "1", "--json"]);
    expect([code, jsonLines(stdout).length]).toEqual([0, 1]);
    expect(JSON.parse(stderr)).toMatchObject({ warning: { code: "stream_gap", message: expect.stringContaining("3-zzzzzz") } });
  });

  test("an empty history is no failure", async () => {
    expect(await run(["list", "--events", "NeverHappened"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("an event cannot steer the terminal", async () => {
    await run(["publish", "Nasty", "--data", '{"t":"\\u001b[2J\\u009b"}', "--subject", "a b"]);
    const { stdout } = await run(["list", "--events", "Nasty"]);
    expect(stdout).not.toMatch(/[\u0080-\u009f]/);
    expect(stdout).not.toContain("\x1b");
  });
});
