import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

let built: string | undefined;

/** The one binary, as it is delivered, with a new folder for whatever it is tried on; `remove` takes the folder away. */
export function buildBinary(): { path: string; folder: string; remove(): void } {
  built ??= build();
  const folder = mkdtempSync(join(tmpdir(), "matric-binary-"));
  return { path: built, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Built once for all tests of a run. Another run may take the file's place while this one's servers run: they keep theirs. */
function build(): string {
  const path = join(root, "dist/tested/matric");
  mkdirSync(join(root, "dist/tested"), { recursive: true });
  const made = `${path}.${process.pid}`;
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ".ci/build.ts", made], { cwd: root, stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`the build failed: ${stderr}`);
  renameSync(made, path);
  return path;
}
