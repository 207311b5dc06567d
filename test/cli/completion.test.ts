import { expect, test } from "bun:test";
import { runCli } from "../support/cli.ts";

async function completeInBash(...words: string[]): Promise<string[]> {
  const { stdout: script } = await runCli(["completion", "bash"]);
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const asked = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _matric; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, exitCode } = Bun.spawnSync(["bash", "-c", asked]);
  expect(exitCode).toBe(0);
  return stdout.toString().trim().split("\n");
}

test("bash completes commands, also after options with values", async () => {
  expect(await completeInBash("matric", "ev")).toEqual(["events"]);
  expect(await completeInBash("matric", "events", "")).toContain("tail");
  expect(await completeInBash("matric", "--url", "http://x", "notes", "rev")).toEqual(["revisions", "revise"]);
});

test("bash completes the options of the very command", async () => {
  expect(await completeInBash("matric", "events", "tail", "--unt")).toEqual(["--until-idle"]);
  expect(await completeInBash("matric", "notes", "show", "some-id", "--js")).toEqual(["--json"]);
});

test("zsh and fish are told every command with its description", async () => {
  const { stdout: zsh } = await runCli(["completion", "zsh"]);
  expect(zsh).toStartWith("#compdef matric\n");
  expect(zsh).toContain("'tail:");
  const { stdout: fish } = await runCli(["completion", "fish"]);
  expect(fish).toContain("complete -c matric -f -n '__fish_seen_subcommand_from events; and not __fish_seen_subcommand_from");
});

test("an unknown shell is a wrong call that names the known ones", async () => {
  const { code, stderr } = await runCli(["completion", "powershell"]);
  expect(code).toBe(2);
  expect(stderr).toContain("bash, zsh, fish");
});
