import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { complaints, Publishing, wholeLog } from "../support/publishing.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

let dataDir: string;
let app: TestApp;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  app = await startApp({ dataDir, durability: "full" });
});

afterEach(async () => {
  await app.stop();
  rmSync(dataDir, { recursive: true });
});

test("while another program locks the database, changes are refused soon and clearly, and reading goes on", async () => {
  const publishing = new Publishing();
  expect(await publishing.once(app.url)).toBe(201);
  const other = new Database(join(dataDir, "matric.db"));
  other.run("BEGIN IMMEDIATE");
  const started = performance.now();
  const response = await app.fetch("/api/v1/events", {
    method: "POST",
    body: '{"event":"OtherHappened","data":{}}',
    headers: { "content-type": "application/json" },
  });
  expect(performance.now() - started).toBeLessThan(2000);
  expect(await response.json()).toMatchObject({
    status: 503,
    code: "storage_unavailable",
    detail: expect.stringContaining("another process holds a lock"),
  });
  expect(complaints(publishing.acknowledged, await wholeLog(app.url))).toEqual([]);
  other.run("ROLLBACK");
  other.close();
  expect(await publishing.once(app.url, 5)).toBe(201);
  expect(complaints(publishing.acknowledged, await wholeLog(app.url))).toEqual([]);
});

test("a program that reads all the while is in nobody's way", async () => {
  const publishing = new Publishing();
  const other = new Database(join(dataDir, "matric.db"), { readonly: true });
  other.run("BEGIN");
  other.query("SELECT count(*) FROM events").get();
  for (let count = 0; count < 20; count++) expect(await publishing.once(app.url, 5)).toBe(201);
  expect(complaints(publishing.acknowledged, await wholeLog(app.url))).toEqual([]);
  other.close();
});
