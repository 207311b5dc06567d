import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess } from "../support/server-process.ts";
import { type ShellBlock, shellBlocks } from "./shell-blocks.ts";

const root = join(import.meta.dir, "../..");

/** What the blocks may call and still be run here. The others install, build, or need a program that is not ours. */
const programs = new Set(["matric", "curl", "jq", "echo", "sleep", "source"]);

/** A reader ends what goes on for ever with Ctrl-C; here it ends by itself. A stream that told nothing has failed. */
const prelude = `set -euo pipefail
trap 'echo "README.md line $README_LINE: $BASH_COMMAND" >&2' ERR
matric() {
  case "$*" in
    *serve*) ;;
    "events tail"*) command matric "$@" --until-idle 0.5 ;;
    "webhooks listen"*) timeout -s INT 3 matric "$@" || [ $? -eq 124 ] ;;
    *) command matric "$@" ;;
  esac
}
curl() {
  case "$*" in
    *"-N "*) command curl --max-time 1 "$@" > stream || [ $? -eq 28 ]; test -s stream; cat stream ;;
    *) command curl --fail-with-body "$@" ;;
  esac
}
`;

let server: ServerProcess;
let folder: string;
beforeAll(async () => {
  server = await ServerProcess.start({ MATRIC_JOB_TYPES: "summarise" });
  folder = await mkdtemp(join(tmpdir(), "matric-readme-"));
  await mkdir(join(folder, "docs"));
  await writeFile(join(folder, "docs/one.md"), "# One\n");
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin/matric"), `#!/bin/sh\nexec "${process.execPath}" "${join(root, "cli/main.ts")}" "$@"\n`);
  await chmod(join(folder, "bin/matric"), 0o755);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

function isRunHere({ programs: called }: ShellBlock): boolean {
  return called.every((program) => programs.has(program));
}

test("every shell block of the README is well-formed", () => {
  for (const { line, text } of shellBlocks()) {
    const { exitCode, stderr } = Bun.spawnSync(["bash", "-n", "-c", text], { stderr: "pipe" });
    expect({ line, exitCode, stderr: stderr.toString() }).toEqual({ line, exitCode: 0, stderr: "" });
  }
});

test("the README's commands work when pasted, one block after the other", async () => {
  const blocks = shellBlocks().filter(isRunHere);
  // Should the README be written in another way, this test must not be left with nothing to run.
  expect(blocks.length).toBeGreaterThan(10);
  const script = blocks.map(({ line, text }) => `README_LINE=${line}\n${text}`).join("\n");
  const child = Bun.spawn(
    ["bash", "-c", prelude + script.replaceAll(/(localhost|127\.0\.0\.1):628[78]/g, new URL(server.url).host)],
    {
      cwd: folder,
      env: { PATH: `${join(folder, "bin")}:${process.env.PATH}`, HOME: folder, MATRIC_URL: server.url },
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  const stderr = await child.stderr.text();
  expect({ code: await child.exited, stderr }).toMatchObject({ code: 0 });
}, 120_000);
