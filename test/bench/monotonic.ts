import { dlopen, FFIType, ptr } from "bun:ffi";

const clockMonotonic = 1;
const libc = dlopen("libc.so.6", { clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 } });

function systemUs(): number {
  const time = new BigInt64Array(2);
  libc.symbols.clock_gettime(clockMonotonic, ptr(time));
  return Number(time[0]) * 1e6 + Number(time[1]) / 1000;
}

/** Between this process's own fast clock and the one that all processes share, measured in the least disturbed of many tries. */
const offsetUs = (() => {
  let best = { width: Number.POSITIVE_INFINITY, offset: 0 };
  for (let i = 0; i < 200; i++) {
    const before = Bun.nanoseconds();
    const shared = systemUs();
    const after = Bun.nanoseconds();
    if (after - before < best.width) best = { width: after - before, offset: shared - (before + after) / 2000 };
  }
  return best.offset;
})();

/** CLOCK_MONOTONIC in microseconds: the same in every process of this machine. */
export function nowUs(): number {
  return Bun.nanoseconds() / 1000 + offsetUs;
}
