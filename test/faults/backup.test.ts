import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { ByteStream, dataOf } from "../support/byte-stream.ts";
import { runCli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { complaints, Publishing, wholeLog } from "../support/publishing.ts";
import { Receiver } from "../support/receiver.ts";
import { ServerProcess } from "../support/server-process.ts";
import { isWithoutDisks, SmallDisk } from "../support/small-disk.ts";

const megabyte = 1024 * 1024;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "matric-backup-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

function integrityOf(file: string): string | undefined {
  const db = new Database(file, { readonly: true });
  const { integrity_check } = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get() ?? {};
  db.close();
  return integrity_check;
}

/** What lies in a data directory besides the database itself. */
const leftIn = (dataDir: string) =>
  readdirSync(dataDir).filter((name) => !/^matric\.(db(-wal|-shm)?|lock(-journal)?)$/.test(name));

test("backups taken while writers go at full speed are whole, and hold all that was acknowledged before they began", async () => {
  const server = await ServerProcess.start();
  const publishing = new Publishing("x".repeat(500));
  try {
    publishing.start(server.url, 8);
    await eventually(() => publishing.acknowledged.size > 500);
    const known: ReadonlyMap<number, string>[] = [];
    for (let round = 0; round < 3; round++) {
      known.push(new Map(publishing.acknowledged));
      expect((await runCli(["backup", at(`${round}.db`)], { url: server.url })).code).toBe(0);
    }
    await publishing.stop();
    expect(publishing.refused.size).toBe(0);
    expect(leftIn(server.dataDir)).toEqual([]);
    expect(complaints(publishing.acknowledged, await wholeLog(server.url))).toEqual([]);
    for (const [round, acknowledged] of known.entries()) {
      expect(integrityOf(at(`${round}.db`))).toBe("ok");
      const dataDir = at(`restored-${round}`);
      expect((await runCli(["restore", at(`${round}.db`), "--data-dir", dataDir])).code).toBe(0);
      const restored = await ServerProcess.start({}, dataDir);
      try {
        expect(complaints(acknowledged, await wholeLog(restored.url))).toEqual([]);
      } finally {
        await restored.kill();
      }
    }
  } finally {
    await publishing.stop();
    await server.stop();
  }
}, 60_000);

test("after a restore, streams are told of the gap, and webhooks go on with what happens from then on", async () => {
  const receiver = new Receiver();
  const server = await ServerProcess.start({ MATRIC_WEBHOOK_ALLOW: "127.0.0.1" });
  try {
    const client = createClient({ url: server.url });
    const { id } = await client.webhooks.create({
      url: `${receiver.url}/hook`,
      events: ["FirstHappened", "LostHappened", "NewHappened"],
    });
    await client.events.publish({ event: "FirstHappened", data: {} });
    await receiver.received(1);
    const settled = () => eventually(async () => (({ pending, lag }) => pending + lag === 0)(await client.webhooks.get(id)));
    await settled();
    expect((await runCli(["backup", at("copy.db")], { url: server.url })).code).toBe(0);
    for (const n of [1, 2, 3]) await client.events.publish({ event: "LostHappened", data: { n } });
    await receiver.received(4);
    const lost = (await client.events.list({})).items.at(-1)?.id ?? "";

    expect(await server.terminate()).toBe(0);
    expect((await runCli(["restore", at("copy.db"), "--data-dir", server.dataDir])).code).toBe(0);
    await server.restart();

    const stream = await ByteStream.open(`${server.url}/api/v1/events`, { "last-event-id": lost });
    await stream.frame();
    expect(dataOf(await stream.frame())).toMatchObject({ event: "StreamGap", data: { from: lost, reason: "other_epoch" } });
    // As many as were lost, so that numbers come again: they are other events, and none is taken for one that was sent.
    for (const n of [1, 2, 3, 4]) await client.events.publish({ event: "NewHappened", data: { n } });
    await stream.until('"n":4');
    await receiver.received(8);
    await settled();
    const sent = receiver.requests.map(({ body }) => JSON.parse(body));
    expect(sent.map(({ event }) => event).filter((name) => name === "NewHappened")).toHaveLength(4);
    expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(8);
    expect(new Set(sent.map((event) => event.id)).size).toBe(8);
    stream.close();
  } finally {
    await server.stop();
    await receiver.stop();
  }
}, 30_000);

test("a copy that is cut short is refused, and what was there stays", async () => {
  const server = await ServerProcess.start();
  try {
    const client = createClient({ url: server.url });
    await client.notes.create({ title: "Kept", content: "x".repeat(300_000) });
    await runCli(["backup", at("copy.db")], { url: server.url });
    await server.terminate();
    truncateSync(at("copy.db"), 200_000);
    const { code, stdout, stderr } = await runCli(["restore", at("copy.db"), "--data-dir", server.dataDir]);
    expect([code, stdout, stderr.trim().split("\n").length]).toEqual([1, "", 1]);
    expect(stderr).toContain("damaged");
    expect(leftIn(server.dataDir)).toEqual([]);
    await server.restart();
    expect((await client.notes.list({})).items).toHaveLength(1);
  } finally {
    await server.stop();
  }
}, 30_000);

test("a restore that died at the worst moment is told, instead of beginning with nothing; and it can be run again", async () => {
  const server = await ServerProcess.start();
  try {
    const client = createClient({ url: server.url });
    await client.notes.create({ title: "Kept", content: "" });
    await runCli(["backup", at("copy.db")], { url: server.url });
    await server.terminate();
    const present = join(server.dataDir, "matric.db");
    renameSync(present, `${present}.replaced-1`);
    copyFileSync(at("copy.db"), `${present}.incoming`);
    const { code, stderr } = await runCli(["serve", "--port", "0", "--data-dir", server.dataDir]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("was interrupted")]);
    expect((await runCli(["restore", at("copy.db"), "--data-dir", server.dataDir])).code).toBe(0);
    await server.restart();
    expect((await client.notes.list({})).items).toHaveLength(1);
  } finally {
    await server.stop();
  }
}, 30_000);

test.skipIf(process.getuid?.() !== 0)(
  "what root restores belongs to whom the data directory belongs to",
  async () => {
    const server = await ServerProcess.start();
    try {
      await runCli(["backup", at("copy.db")], { url: server.url });
      const dataDir = at("data");
      mkdirSync(dataDir);
      chownSync(dataDir, 65_534, 65_534);
      expect((await runCli(["restore", at("copy.db"), "--data-dir", dataDir])).code).toBe(0);
      const owners = readdirSync(dataDir).map((name) => [name, statSync(join(dataDir, name)).uid]);
      expect(owners.sort()).toEqual([
        ["matric.db", 65_534],
        ["matric.lock", 65_534],
      ]);
    } finally {
      await server.stop();
    }
  },
  30_000,
);

test("a server that dies while its copy is on its way leaves no half file behind", async () => {
  const half = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new Uint8Array(100_000));
      await eventually(() => readdirSync(folder).length > 0);
      void server.stop(true);
    },
  });
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(half) });
  const { code, stdout, stderr } = await runCli(["backup", at("copy.db")], { url: server.url.href });
  expect({ code, stdout, stderr }).toEqual({
    code: 5,
    stdout: "",
    stderr: expect.stringMatching(/^error: .* cannot be reached: .*\n$/),
  });
  expect(readdirSync(folder)).toEqual([]);
});

test("what a server that was killed left of a copy is taken away by the next one", async () => {
  const server = await ServerProcess.start();
  try {
    await server.kill();
    for (const name of ["backup-01a2.tmp", "backup-01a3.tmp.partial", "backup-01a3.tmp.partial-journal"]) {
      writeFileSync(join(server.dataDir, name), "half");
    }
    writeFileSync(join(server.dataDir, "backup-mine.db"), "of the user");
    await server.restart();
    expect(leftIn(server.dataDir)).toEqual(["backup-mine.db"]);
  } finally {
    await server.stop();
  }
}, 30_000);

describe.skipIf(isWithoutDisks())("a disk without room", () => {
  let disk: SmallDisk | undefined;
  beforeEach(() => {
    disk = SmallDisk.mount(12);
  });
  afterEach(() => disk?.remove());
  const onDisk = (name: string) => join(disk?.path ?? "", name);

  /** So that a copy would not fit beside it. */
  async function fill(url: string): Promise<Publishing> {
    const publishing = new Publishing("x".repeat(8000));
    for (let round = 0; round < 16; round++) expect(await publishing.once(url, 50)).toBe(201);
    return publishing;
  }

  test("for the server's own copy: a clear answer, no change is refused for it, nothing is left", async () => {
    const server = await ServerProcess.start({}, onDisk("data"));
    try {
      const publishing = await fill(server.url);
      publishing.start(server.url, 1);
      const { code, stderr } = await runCli(["backup", at("copy.db"), "--json"], { url: server.url });
      expect(code).toBe(1);
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: "storage_full", status: 503 } });
      await publishing.stop();
      expect(leftIn(server.dataDir)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      await server.kill();
    }
  }, 30_000);

  test("for the file: one clear line, and nothing is left", async () => {
    const server = await ServerProcess.start();
    try {
      await fill(server.url);
      writeFileSync(onDisk("ballast"), new Uint8Array(9 * megabyte));
      for (const from of [
        ["--url", server.url],
        ["--data-dir", server.dataDir],
      ]) {
        const { code, stdout, stderr } = await runCli(["backup", onDisk("copy.db"), ...from]);
        expect({ from, code, stdout, lines: stderr.trim().split("\n").length }).toEqual({ from, code: 1, stdout: "", lines: 1 });
        expect(stderr).toMatch(/disk is full|are free/);
        expect(readdirSync(onDisk("."))).toEqual(["ballast"]);
      }
      expect((await runCli(["backup", at("copy.db")], { url: server.url })).code).toBe(0);
      const restored = await runCli(["restore", at("copy.db"), "--data-dir", onDisk("data")]);
      expect([restored.code, restored.stderr.trim().split("\n").length]).toEqual([1, 1]);
      expect(restored.stderr).toMatch(/disk is full|are free/);
      expect(leftIn(onDisk("data"))).toEqual([]);
    } finally {
      await server.stop();
    }
  }, 30_000);
});
