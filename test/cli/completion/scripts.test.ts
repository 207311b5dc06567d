import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../support/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "matric-completion-"));
const main = join(import.meta.dir, "../../../cli/main.ts");

beforeAll(async () => {
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "docs"));
  writeFileSync(join(folder, "bin/matric"), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
  chmodSync(join(folder, "bin/matric"), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a script in a shell that has this line's completion loaded. */
function inShell(shell: string, script: string): string[] {
  const env = { PATH: `${join(folder, "bin")}:${process.env.PATH}`, HOME: folder, MATRIC_URL: "http://127.0.0.1:1" };
  const { stdout, stderr } = Bun.spawnSync([shell, "-c", script], { cwd: folder, env, stderr: "pipe" });
  expect(stderr.toString()).toBe("");
  return stdout.toString().trim().split("\n");
}

/** As each shell itself asks for it, with the cursor at the end of `line`. */
const ask: Record<string, (line: string) => string> = {
  bash: (line) => `source <(matric completion bash)
COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}
_matric matric; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // Its completion works on a terminal only; what the script hands to it is looked at.
  zsh: (line) => `compdef() { :; }; _files() { print files; }; _describe() { print -l -- "\${(@P)2}"; }
source <(matric completion zsh)
words=("\${(@s: :)\${:-${line}}}"); CURRENT=$#words; _matric`,
  fish: (line) => `matric completion fish | source; complete -C '${line}'`,
};

for (const [shell, script] of Object.entries(ask)) {
  const isHere = Bun.which(shell) !== null;
  if (!isHere && !process.env.CI) process.stderr.write(`NOT RUN, since ${shell} is not on this machine: its completion\n`);
  if (!isHere && !process.env.CI) continue;

  test(`${shell} completes commands, options and values, and files where those are meant`, () => {
    const completed = (line: string) => inShell(shell, script(line)).map((one) => one.split(/\t|(?<!\\):/)[0]);
    expect(completed("matric ev")).toEqual(["events"]);
    expect(completed("matric --url http://x notes rev").sort()).toEqual(["revise", "revisions"]);
    expect(completed("matric events tail --unt")).toEqual(["--until-idle"]);
    expect(completed("matric completion ").sort()).toEqual(["bash", "fish", "zsh"]);
    const files = completed("matric notes import do");
    expect(files).toEqual(shell === "bash" ? [""] : shell === "zsh" ? ["files"] : ["docs/"]);
  });
}

test("bash goes on after a colon or an equal sign", () => {
  const { bash = () => "" } = ask;
  expect(inShell("bash", bash("matric jobs list --status=q"))).toEqual(["queued"]);
  expect(inShell("bash", bash("matric tokens create x --scopes notes:r"))).toEqual(["read"]);
});

test("an unknown shell is a wrong call that names the known ones", async () => {
  const { code, stderr } = await runCli(["completion", "powershell"]);
  expect(code).toBe(2);
  expect(stderr).toContain("bash, zsh, fish");
});
