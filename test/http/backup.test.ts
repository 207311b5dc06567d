import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { TcpClient } from "../support/tcp-client.ts";

let app: TestApp;
let dataDir: string;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  app = await startApp({ dataDir });
});

afterEach(async () => {
  await app.stop();
  rmSync(dataDir, { recursive: true });
});

const copies = () => readdirSync(dataDir).filter((name) => name.endsWith(".tmp"));

test("a backup that was read leaves no copy behind", async () => {
  const response = await app.fetch("/api/v1/backup");
  expect((await response.bytes()).length).toBeGreaterThan(8192);
  await eventually(() => copies().length === 0);
});

test("to ask how one would look makes none", async () => {
  const response = await app.fetch("/api/v1/backup", { method: "HEAD" });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/vnd.sqlite3"]);
  expect(copies()).toEqual([]);
});

test("whoever leaves before it is there leaves nothing behind", async () => {
  for (let count = 0; count < 3; count++) {
    const client = await TcpClient.open(app.url);
    client.send("GET /api/v1/backup HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await (await app.fetch("/health")).text();
    client.close();
  }
  // A copy that is made after those.
  await (await app.fetch("/api/v1/backup")).bytes();
  await eventually(() => copies().length === 0);
});
