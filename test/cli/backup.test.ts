import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { jsonLines, runCli, spawnCli } from "../support/cli.ts";
import { ServerProcess } from "../support/server-process.ts";

let server: ServerProcess;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "matric-backup-"));
  server = await ServerProcess.start();
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a copy taken while the server runs holds everything; after restoring it, cursors from before are recognised", async () => {
  const client = createClient({ url: server.url });
  const kept = await client.notes.create({ title: "Kept", content: "before the backup" });
  const seen = (await client.events.list({})).items.at(-1)?.id;
  const file = join(folder, "copy.db");
  const saved = await runCli(["backup", file, "--json"], { url: server.url });
  expect(saved).toMatchObject({ code: 0, stderr: "" });
  expect(jsonLines(saved.stdout)).toEqual([{ file, bytes: expect.any(Number) }]);
  await client.notes.create({ title: "Lost", content: "after the backup" });
  const lost = (await client.events.list({})).items.at(-1)?.id ?? "";

  await server.kill();
  expect(await runCli(["restore", file, "--data-dir", server.dataDir])).toMatchObject({ code: 0, stdout: "" });
  await server.restart();

  expect((await client.notes.list({})).items).toEqual([kept]);
  const events = (await client.events.list({})).items;
  expect(events.map(({ event }) => event)).toEqual(["NoteCreated"]);
  // What both lives share is not repeated; what the restored one never had is told as a gap.
  expect(await gapAfter(seen ?? "")).toBeNull();
  expect(await gapAfter(lost)).toEqual({ from: lost, to: seen, reason: "other_epoch" });
  const health = await client.server.health();
  expect(lost).not.toEndWith(health.log.epoch);

  async function gapAfter(cursor: string): Promise<unknown> {
    const answer = await fetch(`${server.url}/api/v1/events?transport=poll&wait_seconds=0&since=${cursor}`);
    return ((await answer.json()) as { gap: unknown }).gap;
  }
});

test("a copy that is put in place by hand begins a new epoch, too", async () => {
  const client = createClient({ url: server.url });
  const file = join(folder, "copy.db");
  await runCli(["backup", file], { url: server.url });
  const before = (await client.server.health()).log;
  await client.notes.create({ title: "Lost", content: "after the backup" });
  await server.terminate();
  await Bun.write(join(server.dataDir, "matric.db"), Bun.file(file));
  await server.restart();
  const { log } = await client.server.health();
  expect(log.epoch).not.toBe(before.epoch);
  expect(log.head).toBe(before.head);
});

test("a backup straight from the data directory needs no server", async () => {
  await createClient({ url: server.url }).notes.create({ title: "A", content: "" });
  await server.kill();
  const file = join(folder, "copy.db");
  expect((await runCli(["backup", file, "--data-dir", server.dataDir])).code).toBe(0);
  expect((await runCli(["restore", file, "--data-dir", join(folder, "elsewhere")])).code).toBe(0);
});

test("to - it goes to stdout and nowhere else, from a server and from a directory", async () => {
  const kept = await createClient({ url: server.url }).notes.create({ title: "Kept", content: "" });
  const before = readdirSync(server.dataDir).sort();
  await copyIsWhole(spawnCli(["backup", "-"], { url: server.url, cwd: folder }));
  await copyIsWhole(spawnCli(["backup", "-", "--data-dir", server.dataDir], { cwd: folder }));
  expect(readdirSync(folder)).toEqual([]);
  expect(readdirSync(server.dataDir).sort()).toEqual(before);
  const withJson = await runCli(["backup", "-", "--json"], { url: server.url, cwd: folder });
  expect([withJson.code, withJson.stdout, readdirSync(folder)]).toEqual([2, "", []]);

  async function copyIsWhole({ stdout, stderr, exited }: ReturnType<typeof spawnCli>): Promise<void> {
    const [bytes, said, code] = await Promise.all([stdout.bytes(), stderr.text(), exited]);
    expect([code, said]).toEqual([0, ""]);
    const file = join(folder, "copy.db");
    await Bun.write(file, bytes);
    const copy = new Database(file, { readonly: true });
    expect(copy.query("SELECT id, title FROM notes").all()).toEqual([{ id: kept.id, title: "Kept" }]);
    copy.close();
    rmSync(file);
  }
});

test("restoring is refused while a server runs, and for what is not a backup", async () => {
  const file = join(folder, "copy.db");
  await runCli(["backup", file], { url: server.url });
  const running = await runCli(["restore", file, "--data-dir", server.dataDir]);
  expect(running.code).toBe(1);
  expect(running.stderr).toContain("already uses the data directory");
  await Bun.write(join(folder, "text.db"), "this is no database at all, just a few words");
  expect((await runCli(["restore", join(folder, "text.db"), "--data-dir", join(folder, "new")])).stderr).toContain(
    "not a matric database",
  );
  expect((await runCli(["restore", join(folder, "missing.db"), "--data-dir", join(folder, "new")])).code).toBe(3);
});

test("a backup overwrites nothing", async () => {
  const file = join(folder, "copy.db");
  await Bun.write(file, "precious");
  const answer = await runCli(["backup", file], { url: server.url });
  expect(answer.code).toBe(1);
  expect(await Bun.file(file).text()).toBe("precious");
});

test("a name that no file can have is told in a sentence", async () => {
  const { code, stderr } = await runCli(["backup", "a".repeat(5000)], { url: server.url, cwd: folder });
  expect([code, stderr]).toEqual([1, "error: The backup could not be written: its name is too long.\n"]);
});
