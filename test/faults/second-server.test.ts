import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../support/cli.ts";
import { ServerProcess } from "../support/server-process.ts";

let server: ServerProcess;
let other: string;

beforeAll(async () => {
  server = await ServerProcess.start();
  other = mkdtempSync(join(tmpdir(), "matric-test-"));
});

afterAll(async () => {
  await server.stop();
  rmSync(other, { recursive: true });
});

test("a second server on the same data is refused in one clear line", async () => {
  const { code, stderr, stdout } = await runCli(["serve", "--port", "0", "--data-dir", server.dataDir]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain(`Another matric server already uses the data directory ${server.dataDir}`);
});

test("a second server on the same port is refused in one clear line, and lets go of its data", async () => {
  for (let attempt = 0; attempt < 2; attempt++) {
    const { code, stderr, stdout } = await runCli(["serve", "--port", new URL(server.url).port, "--data-dir", other]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("--port");
  }
});

test.each([
  ["no-such-host.invalid", 2, "There is no address no-such-host.invalid; choose another one with --host."],
  ["300.1.1.1", 2, "There is no address 300.1.1.1; choose another one with --host."],
  [
    "192.0.2.1",
    1,
    "The server cannot listen on 192.0.2.1 port 0: this machine has no such address; choose another one with --host.",
  ],
])("an address that is not this machine's (%s) ends the start with code %d and one clear line", async (host, exit, line) => {
  const { code, stderr, stdout } = await runCli(["serve", "--no-auth", "--host", host, "--port", "0", "--data-dir", other]);
  expect([code, stdout, stderr]).toEqual([exit, "", `error: ${line}\n`]);
});

test("the first one is not disturbed by all that", async () => {
  const response = await fetch(`${server.url}/api/v1/events`, {
    method: "POST",
    body: '{"event":"ThingHappened","data":{}}',
    headers: { "content-type": "application/json" },
  });
  expect(response.status).toBe(201);
});

test("after the first one was killed, the next one starts", async () => {
  await server.kill();
  await server.restart();
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
});
