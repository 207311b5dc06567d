import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuthApp, startAuthApp } from "../../support/auth.ts";
import { jsonLines, runCli, spawnCli } from "../../support/cli.ts";

describe("tokens of a server", () => {
  let server: AuthApp;
  beforeAll(async () => {
    server = await startAuthApp();
  });
  afterAll(() => server.app.stop());
  const run = (...args: string[]) => runCli(["tokens", ...args], { url: server.app.url, env: { MATRIC_TOKEN: server.admin } });

  test("are made, listed and revoked", async () => {
    const made = await run("create", "phone", "--scopes", "notes:read,events:read", "--expires", "30d");
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^mtr_[\w-]{43}\n$/)]);
    expect(made.stderr).not.toContain("mtr_");
    const token = made.stdout.trim();
    const notes = (env: Record<string, string>) => runCli(["notes", "list"], { url: server.app.url, env });
    expect((await notes({ MATRIC_TOKEN: token })).code).toBe(0);
    expect((await notes({ MATRIC_TOKEN: `${token}x` })).code).toBe(4);
    expect((await notes({})).code).toBe(4);
    const queue = await runCli(["queue", "status", "--json"], { url: server.app.url, env: { MATRIC_TOKEN: token } });
    expect([queue.code, jsonLines(queue.stderr)]).toEqual([
      4,
      [{ error: expect.objectContaining({ code: "forbidden", status: 403 }) }],
    ]);
    const listed = jsonLines((await run("list", "--json")).stdout).find(({ name }) => name === "phone");
    expect(listed).toMatchObject({ status: "active", scopes: ["events:read", "notes:read"], expires_at: expect.any(String) });
    const id = String(listed?.id);
    expect((await run("revoke", id)).stdout).toBe(`${id}\n`);
    expect((await notes({ MATRIC_TOKEN: token })).code).toBe(4);
    expect((await run("revoke", "nobody")).code).toBe(3);
  });

  test("a scope that is none is a usage error that tells which there are", async () => {
    const wrong = await run("create", "a", "--scopes", "root");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("notes:read")]);
    expect((await run("create", "a")).code).toBe(2);
    expect((await run("create", "a", "--scopes", "admin", "--expires", "soon")).code).toBe(2);
  });
});

test("on the server's machine they are made without a server, and not behind the back of one that runs", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const env = { MATRIC_DATA_DIR: dataDir };
  const made = await runCli(["tokens", "create", "root", "--scopes", "admin", "--json"], { env });
  const [{ token, id } = {}] = jsonLines(made.stdout);
  const server = await startAuthApp({ dataDir });
  try {
    expect(server.admin).toBe("");
    expect((await runCli(["tokens", "list"], { url: server.app.url, env: { MATRIC_TOKEN: String(token) } })).stdout).toContain(
      String(id),
    );
    const refused = await runCli(["tokens", "create", "other", "--scopes", "admin"], { env });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("--url and --token")]);
  } finally {
    await server.app.stop();
  }
  expect((await runCli(["tokens", "revoke", String(id)], { env })).code).toBe(0);
  expect((await runCli(["tokens", "list"], { env })).stdout).toContain("\trevoked\t");
  rmSync(dataDir, { recursive: true });
});

test.each(["tokens list", "tokens revoke 0197a0b2-0000-7000-8000-000000000000", "backup copy.db"])(
  "a misspelt directory is told by `%s`, and no data is made in it",
  async (command) => {
    const folder = mkdtempSync(join(tmpdir(), "matric-test-"));
    const dataDir = join(folder, "matrix");
    const { code, stdout, stderr } = await runCli([...command.split(" "), "--data-dir", dataDir], { cwd: folder });
    expect([code, stdout, stderr]).toEqual([
      2,
      "",
      `error: There is no data in ${dataDir}: no server has run on that directory.\n`,
    ]);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  },
);

describe("a server", () => {
  const serve = async (args: string[], env: Record<string, string> = {}) => {
    const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
    const child = spawnCli(["serve", "--port", "0", "--data-dir", dataDir, ...args], {
      env: { MATRIC_LOG_FORMAT: "json", ...env },
    });
    const stop = async () => {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(dataDir, { recursive: true });
    };
    return { child, stop };
  };

  test.each(["0.0.0.0", "::", "192.0.2.1", "notes.example"])(
    "does not listen on %s without auth, unless that is said aloud",
    async (host) => {
      for (const env of [{}, { MATRIC_AUTH: "off" }] as Record<string, string>[]) {
        const { child, stop } = await serve(["--host", host], env);
        expect([await child.exited, await child.stderr.text()]).toEqual([
          2,
          expect.stringMatching(/^error: MATRIC_AUTH must be on .*--no-auth.*\n$/),
        ]);
        await stop();
      }
    },
  );

  test("listens there with --no-auth", async () => {
    const { child, stop } = await serve(["--host", "0.0.0.0", "--no-auth"]);
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toContain('"message":"listening"');
    await stop();
  });

  test("tells its first token on stderr, in a line that no log has", async () => {
    const { child, stop } = await serve([], { MATRIC_AUTH: "on" });
    const reader = child.stderr.getReader();
    const { value } = await reader.read();
    const line = new TextDecoder().decode(value);
    expect(line).toMatch(/^access token with all rights, shown this once: mtr_[\w-]{43}\n$/);
    await stop();
    expect(await child.stdout.text()).not.toContain("mtr_");
  });
});
