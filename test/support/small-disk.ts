import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of its own in memory, that can be full or read-only like a real one. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Undefined where nothing can be mounted; says why. */
  static mount(megabytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), "matric-disk-"));
    if (run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path)) return new SmallDisk(path);
    rmSync(path, { recursive: true });
    return undefined;
  }

  makeReadOnly(): void {
    if (!run("mount", "-o", "remount,ro", this.path)) throw new Error(`${this.path} cannot be made read-only`);
  }

  remove(): void {
    run("umount", "--lazy", this.path);
    rmSync(this.path, { recursive: true });
  }
}

function run(...command: string[]): boolean {
  const { exitCode, stderr } = Bun.spawnSync(command, { stderr: "pipe" });
  if (exitCode !== 0) process.stderr.write(stderr);
  return exitCode === 0;
}

/**
 * True where no disk can be mounted (that takes root) and that may be: with `CI` set the tests must be complete, and fail instead.
 */
export function isWithoutDisks(): boolean {
  const disk = SmallDisk.mount(1);
  disk?.remove();
  if (disk || process.env.CI) return false;
  process.stderr.write("SKIPPED: tests of full and read-only disks, which need to mount one, as root\n");
  return true;
}
