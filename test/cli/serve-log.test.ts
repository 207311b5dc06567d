import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsonLines } from "../support/cli.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** A server in whose process `then` is run once it obeys signals and has published an event. */
async function serveAndRun(then: string) {
  const file = (path: string) => JSON.stringify(join(import.meta.dir, "../..", path));
  const script = `
    const { runProgram } = await import(${file("cli/program.ts")});
    const { processIo } = await import(${file("cli/io.ts")});
    const serve = Bun.serve;
    Bun.serve = (options) => {
      const server = serve.call(Bun, options);
      setTimeout(async () => {
        while (process.listenerCount("SIGTERM") === 0) await Bun.sleep(1);
        const body = JSON.stringify({ event: "ThingHappened", data: {} });
        await fetch(server.url + "api/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body });
        ${then}
      });
      return server;
    };
    process.exit(await runProgram(["serve", "--port", "0", "--data-dir", ${JSON.stringify(dataDir)}], processIo(), "0.0.0-test"));`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env.PATH ?? "", MATRIC_LOG_FORMAT: "json" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const lines = jsonLines(stdout);
  return { code, stderr, lines, said: lines.map(({ message }) => message) };
}

describe("the log", () => {
  test("is whole when a second signal ends the server at once", async () => {
    const twice = 'process.kill(process.pid, "SIGTERM"); setTimeout(() => process.kill(process.pid, "SIGTERM"), 1);';
    const { said } = await serveAndRun(twice);
    expect(said).toContain("Custom event published");
    expect(said).toContain("draining");
  });

  test.each([
    ["an exception that nobody caught", 'setTimeout(() => { throw new Error("forgotten"); });'],
    ["a promise that nobody watched", 'Promise.reject(new Error("forgotten"));'],
  ])("tells of %s, and the server goes on", async (_what, then) => {
    const { code, stderr, lines, said } = await serveAndRun(
      `${then} setTimeout(() => process.kill(process.pid, "SIGTERM"), 50);`,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const told = lines.find(({ message }) => message === "unexpected error");
    expect(told).toMatchObject({ level: "ERROR", fields: { error: expect.stringContaining("forgotten") } });
    expect(said).toContain("Custom event published");
    expect(said.at(-1)).toBe("stopped");
  });
});
