import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ByteStream } from "../support/byte-stream.ts";
import { runCli } from "../support/cli.ts";
import { Publishing } from "../support/publishing.ts";
import { startApp } from "../support/start-app.ts";

let dataDir: string;
let file: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  file = join(dataDir, "matric.db");
});

afterEach(() => rmSync(dataDir, { recursive: true }));

test("a file that is no database ends the start with one clear line", async () => {
  writeFileSync(file, "not a database".repeat(1000));
  const { code, stderr, stdout } = await runCli(["serve", "--port", "0", "--data-dir", dataDir]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain("the file is damaged or not a matric database; restore a backup or move the file away");
});

test("pages of the log that are damaged end the streams that need them, not the server", async () => {
  const publishing = new Publishing("x".repeat(2000));
  const first = await startApp({ dataDir });
  for (let count = 0; count < 10; count++) await publishing.once(first.url, 50);
  await first.stop();
  damage("events");

  const app = await startApp({ dataDir });
  try {
    const history = await app.fetch("/api/v1/events?limit=500", { headers: { accept: "application/json" } });
    expect(history.status).toBe(503);
    expect(await history.json()).toMatchObject({ code: "storage_unavailable", detail: expect.stringContaining("damaged") });

    const stream = await ByteStream.open(`${app.url}/api/v1/events?since=earliest`);
    expect(await stream.rest()).toStartWith("event: ConnectionOpened\n");
    const poll = await app.fetch("/api/v1/events?transport=poll&since=250");
    expect(poll.status).toBe(503);
    const socket = new WebSocket(`${app.url.replace("http", "ws")}/api/v1/ws?since=earliest`);
    const { promise, resolve } = Promise.withResolvers<number>();
    socket.addEventListener("close", ({ code }) => resolve(code));
    expect(await promise).toBe(1011);

    // It lives, and serves whoever needs none of that.
    const live = await ByteStream.open(`${app.url}/api/v1/events`);
    await live.frame();
    expect((await app.fetch("/health")).status).toBe(200);
    live.close();
  } finally {
    await app.stop();
  }
});

/** Overwrites pages in the middle of a table. */
function damage(table: string): void {
  const db = new Database(file);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  const pages = db
    .query<{ pageno: number }, [string]>("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno")
    .all(table);
  const { page_size: size } = db.query<{ page_size: number }, []>("PRAGMA page_size").get() ?? { page_size: 0 };
  db.close();
  const handle = openSync(file, "r+");
  for (const { pageno } of pages.slice(pages.length / 3, (2 * pages.length) / 3))
    writeSync(handle, new Uint8Array(size).fill(0xa5), 0, size, (pageno - 1) * size);
}
