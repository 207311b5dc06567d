import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settings } from "../../src/config.ts";
import { readme, recipe } from "../support/readme.ts";

const hasSystemd = Bun.which("systemd-analyze") !== null;
if (!hasSystemd && process.env.CI === "true")
  throw new Error("install Debian's package systemd: these tests must not be skipped here");
if (!hasSystemd) process.stderr.write("SKIPPED: what systemd says to the README's unit; apt-get install systemd\n");

let folder: string;
let unit: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "matric-unit-"));
  unit = join(folder, "matric.service");
  // The binary need not be installed here.
  writeFileSync(unit, recipe("systemd").replace("/usr/local/bin/matric", process.execPath));
});
afterAll(() => rmSync(folder, { recursive: true }));

function analyze(...args: string[]): { code: number; text: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["systemd-analyze", "--no-pager", ...args, unit]);
  return { code: exitCode, text: `${stdout}${stderr}` };
}

function directive(name: string): string {
  return new RegExp(`^${name}=(.*)$`, "m").exec(recipe("systemd"))?.[1] ?? "";
}

describe.skipIf(!hasSystemd)("the README's unit", () => {
  test("is one that systemd has nothing to say against", () => {
    expect(analyze("verify", "--man=no")).toEqual({ code: 0, text: "" });
  });

  test("is as little exposed as the README says", () => {
    const { text } = analyze("security", "--offline=true");
    const [, exposure] = /Overall exposure level for matric\.service: ([\d.]+)/.exec(text) ?? [];
    expect(readme).toContain(`calls the exposure ${exposure} of 10`);
  });

  test("gives the server the time and the files that it needs, and does not start again what cannot start", () => {
    expect(Number(directive("TimeoutStopSec"))).toBeGreaterThan(settings.drainSeconds.default + 5);
    expect(Number(directive("LimitNOFILE"))).toBeGreaterThan(settings.connectionsMax.default + 600);
    expect(directive("Restart")).toBe("on-failure");
    expect(directive("RestartPreventExitStatus")).toBe("2");
  });
});
