import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../cli/program.ts";
import { settings } from "../../src/config.ts";
import { flagOf } from "../../src/setting.ts";
import { lineReader, runCli, spawnCli } from "../support/cli.ts";
import { fakeIo } from "../support/fake-io.ts";

test("every setting that is no secret is a flag", async () => {
  const { stdout } = await runCli(["serve", "--help"]);
  for (const setting of Object.values(settings)) {
    if (setting.isSecret) expect(stdout).not.toContain(setting.env);
    else expect(stdout).toContain(`  ${flagOf(setting)} <value>`);
  }
});

test.each(Object.values(settings).flatMap((setting) => flagOf(setting) ?? []))(
  "%s is read, and a bad value told",
  async (flag) => {
    // An empty value is one that no setting takes, but for lists; those get a second flag that is wrong in any case.
    const { io, stdout, stderr } = fakeIo();
    expect(await runProgram(["serve", flag, "", "--port", "none"], io, "0.0.0")).toBe(2);
    expect(stdout.text).toBe("");
    expect(stderr.text).toMatch(/^error: --[a-z-]+ must .*, not "(none)?"\.\n$/);
  },
);

test("an empty value switches nothing off", async () => {
  const { io, stderr } = fakeIo();
  expect(await runProgram(["serve", "--host", "", "--port", "none"], io, "0.0.0")).toBe(2);
  expect(stderr.text).toStartWith("error: --host must not be empty");
});

test("a data directory that is none ends the start with one line and exit code 2", async () => {
  for (const dataDir of [import.meta.path, join(import.meta.path, "data")]) {
    const message = `error: The data directory ${dataDir} cannot be created: a file is there.\n`;
    expect(await runCli(["serve", "--port", "0", "--data-dir", dataDir])).toEqual({ code: 2, stdout: "", stderr: message });
  }
});

test("flags win over the environment", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "matric-test-"));
  const server = spawnCli(["serve", "--port", "0", "--log-level", "info", "--data-dir", dataDir], {
    env: { MATRIC_PORT: "1", MATRIC_LOG_LEVEL: "error", MATRIC_DATA_DIR: "/nowhere" },
  });
  const { message, fields } = JSON.parse(await lineReader(server.stdout).next());
  expect({ message, dataDir: fields.data_dir }).toEqual({ message: "listening", dataDir });
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  await rm(dataDir, { recursive: true });
});
