import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFixtureServer } from "../fixtures/mcp/server.ts";
import { startApp } from "../support/start-app.ts";

const suite = join(import.meta.dir, "../../node_modules/@modelcontextprotocol/conformance/dist/index.js");
const notApplicable = join(import.meta.dir, "../fixtures/mcp/not-applicable.yaml");

/** The protocol's own suite against a server: null when it passes, else what it says. */
async function conformance(url: string, revision: string, ...more: string[]): Promise<string | null> {
  const child = Bun.spawn([process.execPath, suite, "server", "--url", url, "--requirements", revision, ...more], {
    cwd: tmpdir(),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, complained, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return code === 0 ? null : `${said}${complained}`.slice(-3000);
}

test.each(["2026-07-28", "2025-11-25"])(
  "the transport does all that revision %s requires",
  async (revision) => {
    const fixture = startFixtureServer();
    expect(await conformance(fixture.url, revision)).toBeNull();
    await fixture.stop();
  },
  30_000,
);

test.each(["2026-07-28", "2025-11-25"])(
  "the server itself does what revision %s requires, as far as it applies",
  async (revision) => {
    const app = await startApp();
    expect(await conformance(`${app.url}/mcp`, revision, "--expected-failures", notApplicable)).toBeNull();
    await app.stop();
  },
  30_000,
);
