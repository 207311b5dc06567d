import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { jsonLines, runCli, spawnCli } from "../support/cli.ts";

/** An address where nobody listens. */
async function deadUrl(): Promise<string> {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const { href } = server.url;
  await server.stop(true);
  return href;
}

describe("the program", () => {
  test("tells its version, and nothing else", async () => {
    expect(await runCli(["--version"])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: "" });
    expect((await runCli(["-V", "--json"])).stdout).toBe(`${packageJson.version}\n`);
  });

  test("helps on stdout, in each way to ask for it", async () => {
    const help = await runCli(["events", "tail", "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("--until-idle <seconds>");
    expect(help.stdout).toContain("Examples:");
    expect((await runCli(["help", "events", "tail"])).stdout).toBe(help.stdout);
    const { stdout } = await runCli(["--help"]);
    for (const command of ["serve", "events", "notes", "jobs", "queue", "status"]) expect(stdout).toContain(`\n  ${command}`);
  });

  test("suggests what was probably meant", async () => {
    expect(await runCli(["event", "tail"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "error: unknown command 'event'\n(Did you mean events?)\n",
    });
    expect((await runCli(["events", "tial"])).stderr).toContain("(Did you mean tail?)");
    expect((await runCli(["events", "tail", "--cuont", "1"])).stderr).toContain("(Did you mean --count?)");
  });

  test("help with a command that is not there is no help", async () => {
    for (const args of [
      ["help", "evnts"],
      ["evnts", "--help"],
      ["--url", "x", "evnts", "-h"],
    ]) {
      expect(await runCli(args)).toMatchObject({
        code: 2,
        stdout: "",
        stderr: "error: unknown command 'evnts'\n(Did you mean events?)\n",
      });
    }
    expect((await runCli(["events", "tial", "--help"])).stderr).toContain("(Did you mean tail?)");
  });

  test("the server's options may stand anywhere, and the last word counts", async () => {
    using server = Bun.serve({ port: 0, fetch: () => Response.json({ code: "forbidden", detail: "no" }, { status: 403 }) });
    const url = server.url.href;
    for (const args of [
      ["--json", "--url", url, "notes", "list"],
      ["notes", "--json", "--url", url, "list"],
      ["notes", "list", "--json", "--url", url],
      ["--url", "http://127.0.0.1:1", "notes", "--url", url, "list", "--json"],
    ]) {
      const { code, stderr } = await runCli(args);
      expect({ code, errors: jsonLines(stderr) }).toEqual({
        code: 4,
        errors: [{ error: { code: "forbidden", message: "no", status: 403 } }],
      });
    }
  });

  test.each([
    [["events"]],
    [["nonsense"]],
    [["webhooks", "add", "http://example.org", "--events", "*", "--header", "nonsense"]],
    [["webhooks", "verify", "--secret", "s", "--header", "nonsense"]],
    [["events", "tail", "--since", ""]],
    [["events", "tail", "--events", ""]],
    [["events", "list", "--since", "1h", "--after", "2h"]],
    [["webhooks", "replay", "0197", "--since", " "]],
    [["tokens", "create", "phone", "--scopes", "notes:read", "--expires", "soon"]],
    [["events", "tail", "--count", "0"]],
    [["events", "tail", "--count"]],
    [["events", "tail", "--until-idle", "soon"]],
    [["events", "publish"]],
    [["jobs", "list", "--status", "lost"]],
    [["status", "too", "many"]],
    [["status", "--url", "ftp://example.org"]],
    [["notes", "import", "/nowhere/at/all"]],
    [["events", "publish", "X", "--data", "{"]],
    [["events", "publish", "X", "--data", "[]"]],
    [["events", "publish", "X", "--data", "@/nowhere"]],
  ])("%j is wrong usage, also in JSON", async (args) => {
    const plain = await runCli(args, { url: "http://127.0.0.1:1" });
    expect(plain).toMatchObject({ code: 2, stdout: "" });
    expect(plain.stderr).not.toBe("");
    const json = await runCli([...args, "--json"], { url: "http://127.0.0.1:1" });
    expect(json).toMatchObject({ code: 2, stdout: "" });
    const [error, ...more] = jsonLines(json.stderr);
    expect(error).toEqual({ error: expect.objectContaining({ code: expect.any(String), message: expect.any(String) }) });
    expect(more).toEqual([]);
  });

  test.each([
    [["status"]],
    [["events", "tail"]],
    [["events", "list"]],
    [["notes", "list"]],
    [["jobs", "watch"]],
    [["jobs", "watch", "0197"]],
    [["queue", "pause"]],
  ])("%j says that the server cannot be reached, with exit code 5", async (args) => {
    const url = await deadUrl();
    const plain = await runCli(args, { url });
    expect(plain).toMatchObject({ code: 5, stdout: "" });
    expect(plain.stderr).toMatch(/^error: http:\/\/\S+ cannot be reached: .*matric serve/);
    const json = await runCli(["--json", ...args, "--url", url]);
    expect(jsonLines(json.stderr)).toEqual([{ error: expect.objectContaining({ code: "unreachable" }) }]);
  });

  test("a server that is none is told apart", async () => {
    using server = Bun.serve({ port: 0, fetch: () => new Response("<html>") });
    const result = await runCli(["status"], { url: server.url.href });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("Is it a matric server?");
  });

  test("sends the token, and says with exit code 4 that it is not enough", async () => {
    using server = Bun.serve({
      port: 0,
      fetch: ({ headers }) =>
        Response.json({ code: "forbidden", detail: `not ${headers.get("authorization")}` }, { status: 403 }),
    });
    const url = server.url.href;
    expect(await runCli(["status"], { url, env: { MATRIC_TOKEN: "mtr_env" } })).toMatchObject({
      code: 4,
      stderr: "error: not Bearer mtr_env\n",
    });
    expect((await runCli(["status", "--token", "mtr_flag"], { url, env: { MATRIC_TOKEN: "mtr_env" } })).stderr).toBe(
      "error: not Bearer mtr_flag\n",
    );
    expect((await runCli(["events", "tail"], { url })).code).toBe(4);
  });

  test("a server that wants a token is told apart, with what to do", async () => {
    using server = Bun.serve({
      port: 0,
      fetch: () => Response.json({ code: "unauthorized", detail: "Who asks?" }, { status: 401 }),
    });
    expect(await runCli(["notes", "list"], { url: server.url.href })).toEqual({
      code: 4,
      stdout: "",
      stderr: "error: Who asks? Give a token with --token or MATRIC_TOKEN.\n",
    });
  });

  test("a server that takes a stream and never answers is a timeout: exit code 6", async () => {
    using server = Bun.serve({ port: 0, idleTimeout: 60, fetch: () => new Promise<Response>(() => {}) });
    const { code, stderr } = await runCli(["events", "tail", "--json"], { url: server.url.href });
    expect(code).toBe(6);
    expect(jsonLines(stderr)).toEqual([{ error: expect.objectContaining({ code: "timed_out" }) }]);
  }, 30_000);

  test.skipIf(process.platform !== "linux")("a disk that is full is a failure, and told once", async () => {
    for (const args of [["--version"], ["telemetry", "alerts"], ["telemetry", "dashboard", "--json"]]) {
      const child = Bun.spawn([process.execPath, "cli/main.ts", ...args], {
        cwd: join(import.meta.dir, "../.."),
        stdout: Bun.file("/dev/full"),
        stderr: "pipe",
      });
      const stderr = await child.stderr.text();
      expect({ args, code: await child.exited }).toEqual({ args, code: 1 });
      if (args.length > 1)
        expect(stderr).toMatch(
          /^(error: |\{"error":\{"code":"output_failed","message":")The output cannot be written: .*no space left/,
        );
    }
  });

  test("a file that cannot be written is told in one line", async () => {
    using server = Bun.serve({ port: 0, fetch: () => new Response("a copy") });
    const plain = await runCli(["backup", "/nowhere/copy.db"], { url: server.url.href });
    expect(plain).toMatchObject({ code: 1, stdout: "" });
    expect(plain.stderr).toMatch(/^error: The backup could not be written: there is no such folder\.\n$/);
    const json = await runCli(["backup", "/nowhere/copy.db", "--json"], { url: server.url.href });
    expect(jsonLines(json.stderr)).toEqual([{ error: { code: "storage_unavailable", message: expect.any(String) } }]);
  });

  test("a token that no header could hold is wrong usage, and one with a line end is mended", async () => {
    using server = Bun.serve({
      port: 0,
      fetch: ({ headers }) =>
        Response.json({ code: "forbidden", detail: `not ${headers.get("authorization")}` }, { status: 403 }),
    });
    const url = server.url.href;
    expect((await runCli(["status"], { url, env: { MATRIC_TOKEN: "mtr_a b" } })).code).toBe(2);
    expect((await runCli(["status"], { url, env: { MATRIC_TOKEN: "mtr_a\r\n" } })).stderr).toBe("error: not Bearer mtr_a\n");
  });

  test("Ctrl-C ends it with 130 and no words, also while it waits for the server", async () => {
    const arrived = Promise.withResolvers<void>();
    using server = Bun.serve({
      port: 0,
      fetch() {
        arrived.resolve();
        return new Promise<Response>(() => {});
      },
    });
    const child = spawnCli(["status"], { url: server.url.href });
    await arrived.promise;
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(await child.stderr.text()).toBe("");
  });

  test.each(["notes add", "events publish Foo --data -"])(
    "Ctrl-C ends it while it waits for the rest of a text: %s",
    async (line) => {
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../cli/main.ts"), ...line.split(" ")], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
      });
      child.stdin.write(new Uint8Array(1024 * 1024).fill(0x61));
      // More than a pipe holds: once it has left, somebody reads.
      await child.stdin.flush();
      child.kill("SIGINT");
      expect([await child.exited, child.signalCode, await child.stdout.text(), await child.stderr.text()]).toEqual([
        130,
        null,
        "",
        "",
      ]);
    },
  );
});
