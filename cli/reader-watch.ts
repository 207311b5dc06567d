import { fstatSync } from "node:fs";

const everyMs = 250;
/** POSIX: POLLERR and POLLHUP. A pipe has the one or the other when nobody can read from it any more. */
const goneMask = 0x8 | 0x10;
const libraries = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`, "libSystem.B.dylib"];

/**
 * Calls `onGone` when nobody reads the pipe `fd` any more. A write would find out, but a stream may have nothing to write for
 * hours, while `matric events tail | head -n 1` has long seen enough. Does nothing for files and terminals, nor where there is no poll(2).
 */
export async function watchReader(fd: number, onGone: () => void): Promise<void> {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isSocket()) return;
  const isGone = await pollFor(fd);
  if (!isGone) return;
  const timer = setInterval(() => {
    if (!isGone()) return;
    clearInterval(timer);
    onGone();
  }, everyMs);
  timer.unref();
}

async function pollFor(fd: number): Promise<(() => boolean) | undefined> {
  const { dlopen, ptr } = await import("bun:ffi");
  for (const library of libraries) {
    try {
      const { poll } = dlopen(library, { poll: { args: ["ptr", "u64", "i32"], returns: "i32" } }).symbols;
      // struct pollfd: an int, then two shorts, asked for and found.
      const entry = new DataView(new ArrayBuffer(8));
      entry.setInt32(0, fd, true);
      const address = ptr(entry);
      return () => poll(address, 1, 0) > 0 && (entry.getUint16(6, true) & goneMask) !== 0;
    } catch {
      // Another system's library.
    }
  }
  return undefined;
}
