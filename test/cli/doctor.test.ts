import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkClock, checkOpenFiles } from "../../cli/doctor/machine.ts";
import { checkEgress, checkStreaming } from "../../cli/doctor/network.ts";
import { checkDataDir, checkSpace, checkSync } from "../../cli/doctor/storage.ts";
import { jsonLines, runCli, spawnCli } from "../support/cli.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "matric-test-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("the data directory", () => {
  test("that does not exist yet is made, for its owner alone, and nothing is left in it", () => {
    const dataDir = join(dir, "new", "matric");
    expect(checkDataDir(dataDir)).toMatchObject({ status: "ok" });
    expect(checkSync(dataDir).status).not.toBe("problem");
    expect(readdirSync(dataDir)).toEqual([]);
  });

  test("that cannot be one is a problem", () => {
    writeFileSync(join(dir, "file"), "");
    expect(checkDataDir(join(dir, "file"))).toMatchObject({ status: "problem", advice: expect.stringContaining("--data-dir") });
    expect(checkSync(join(dir, "file"))).toMatchObject({ status: "skipped" });
  });

  test("that others can read is worth a warning", () => {
    chmodSync(dir, 0o755);
    expect(checkDataDir(dir)).toMatchObject({ status: "warning", advice: `Run: chmod 700 ${dir}` });
  });

  test("need not exist for its disk to be asked for room", () => {
    expect(checkSpace(join(dir, "a", "b")).message).toMatch(/^\d+\.\d GiB are free$/);
  });
});

describe("the machine", () => {
  test("is told how many open files are too few", () => {
    expect(checkOpenFiles(10)).toMatchObject({ status: "ok" });
    expect(checkOpenFiles(1e9)).toMatchObject({ status: "warning", advice: expect.stringContaining("ulimit -n") });
  });

  test("has a clock that agrees with the server's, or does not", async () => {
    expect(await checkClock(async () => undefined)).toMatchObject({ status: "ok" });
    expect(await checkClock(async () => Date.now() - 500)).toMatchObject({ status: "ok" });
    const wrong = await checkClock(async () => Date.now() - 60_000);
    expect(wrong).toMatchObject({ status: "warning", message: expect.stringContaining("differ by") });
  });
});

describe("a public address", () => {
  async function behind(respond: () => Response): Promise<Awaited<ReturnType<typeof checkStreaming>>> {
    const proxy = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: respond });
    try {
      return await checkStreaming(proxy.url.href, undefined);
    } finally {
      await proxy.stop(true);
    }
  }
  const stream = { "content-type": "text/event-stream" };

  test("that holds streams back is found out", async () => {
    const silent = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { headers: stream });
    expect(await behind(silent)).toMatchObject({ status: "problem", advice: expect.stringContaining("proxy_buffering off") });
  });

  test("that compresses them is worth a warning", async () => {
    const packed = Bun.gzipSync(new TextEncoder().encode(": hello\n\n"));
    const found = await behind(() => new Response(packed, { headers: { ...stream, "content-encoding": "gzip" } }));
    expect(found).toMatchObject({ status: "warning" });
  });

  test("of something else, or of nothing, is a problem", async () => {
    expect(await behind(() => new Response("hello"))).toMatchObject({ status: "problem" });
    expect(await behind(() => new Response("", { status: 401 }))).toMatchObject({
      status: "problem",
      advice: expect.stringContaining("--token"),
    });
    expect(await checkStreaming("http://127.0.0.1:9", undefined)).toMatchObject({ status: "problem" });
  });
});

describe("the receiver of a webhook", () => {
  test("is connected to by the rules of the server", async () => {
    const receiver = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { href } = receiver.url;
    expect(await checkEgress(href, ["127.0.0.1"])).toMatchObject({ status: "ok" });
    expect(await checkEgress(href, [])).toMatchObject({
      status: "problem",
      advice: expect.stringContaining("MATRIC_WEBHOOK_ALLOW"),
    });
    await receiver.stop(true);
    expect(await checkEgress(href, ["127.0.0.1"])).toMatchObject({
      status: "problem",
      advice: expect.stringContaining("firewall"),
    });
    expect(await checkEgress("ftp://receiver.example", [])).toMatchObject({ status: "problem" });
  });
});

describe("the command", () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());

  test("checks a machine with a server", async () => {
    const args = ["doctor", "--json", "--data-dir", join(dir, "data"), "--public-url", app.url];
    const { code, stdout, stderr } = await runCli(args, { url: app.url });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const findings = jsonLines(stdout);
    expect(findings.map(({ check }) => check)).toEqual([
      "data directory",
      "disk space",
      "disk sync",
      "open files",
      "clock",
      "certificate",
      "server",
      "proxy",
      "webhooks",
    ]);
    expect(findings.find(({ check }) => check === "proxy")).toMatchObject({ status: "ok" });
  });

  test("warns of variables that are no settings", async () => {
    const args = ["doctor", "--json", "--data-dir", join(dir, "data")];
    const { code, stdout } = await runCli(args, { url: app.url, env: { MATRIC_PROT: "1" } });
    expect(code).toBe(0);
    expect(jsonLines(stdout)[0]).toEqual({
      check: "settings",
      status: "warning",
      message: "MATRIC_PROT is none",
      advice: "Did you mean MATRIC_PORT?",
    });
  });

  test("connects to webhooks that the server allows, whatever this shell's MATRIC_WEBHOOK_ALLOW is", async () => {
    const receiver = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const permissive = await startApp({ webhookAllow: ["127.0.0.1"] });
    const { code: added } = await runCli(["webhooks", "add", receiver.url.href, "--events", "*"], { url: permissive.url });
    expect(added).toBe(0);
    const { stdout } = await runCli(["doctor", "--json", "--data-dir", join(dir, "data")], { url: permissive.url });
    expect(jsonLines(stdout).at(-1)).toMatchObject({ check: `webhook to ${receiver.url.host}`, status: "ok" });
    await permissive.stop();
    await receiver.stop(true);
  });

  test("something else where the server should be is a problem", async () => {
    using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
    const { code, stdout } = await runCli(["doctor", "--json", "--data-dir", join(dir, "data")], { url: other.url.href });
    expect(code).toBe(1);
    expect(jsonLines(stdout).find(({ check }) => check === "server")).toMatchObject({
      status: "problem",
      message: expect.stringContaining("Is it a matric server?"),
    });
  });

  test("ends with 130 on Ctrl-C, whatever it waits for", async () => {
    const arrived = Promise.withResolvers<void>();
    using silent = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        arrived.resolve();
        return new Promise<Response>(() => {});
      },
    });
    const child = spawnCli(["doctor", "--data-dir", join(dir, "data")], { url: silent.url.href });
    await arrived.promise;
    child.kill("SIGINT");
    expect([await child.exited, child.signalCode, await child.stderr.text()]).toEqual([130, null, ""]);
  });

  test("says what to do, and ends with 1, when something is wrong", async () => {
    writeFileSync(join(dir, "file"), "");
    const { code, stdout, stderr } = await runCli(["doctor", "--data-dir", join(dir, "file")], { url: "http://127.0.0.1:9" });
    expect(code).toBe(1);
    expect(stdout).toContain("problem data directory:");
    expect(stdout).toContain("choose another one with --data-dir");
    expect(stderr).toBe("error: There is a problem.\n");
  });
});
