import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** Builds the one binary, as it is delivered, into a folder of its own; `remove` takes it away. */
export function buildBinary(): { path: string; folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "matric-binary-"));
  const path = join(folder, "matric");
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ".ci/build.ts", path], { cwd: root, stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`the build failed: ${stderr}`);
  return { path, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
