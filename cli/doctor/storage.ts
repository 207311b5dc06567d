import { closeSync, existsSync, fdatasyncSync, mkdirSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../../src/errors.ts";
import { type Finding, ok, problem, skipped, warning } from "./finding.ts";

/** File systems of other machines, as Linux numbers them: NFS, SMB (three of them), 9p and FUSE. */
const remote = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x01021997, 0x65735546]);
const gibibyte = 1024 ** 3;
const bytesFew = gibibyte;
const bytesTooFew = 100 * 1024 ** 2;
const syncs = 40;
const syncSlowMs = 20;
/** No disk that keeps its promise is so quick. */
const syncDoubtfulMs = 0.02;

/** Whether the database can live there. */
export function checkDataDir(dataDir: string): Finding {
  const check = "data directory";
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const probe = join(dataDir, `.doctor-${process.pid}`);
    closeSync(openSync(probe, "w"));
    rmSync(probe);
  } catch (error) {
    const advice = "Let the server's user own it, or choose another one with --data-dir (MATRIC_DATA_DIR).";
    return problem(check, `${dataDir} cannot be written to: ${messageOf(error)}`, advice);
  }
  if (process.platform === "linux" && remote.has(statfsSync(dataDir).type)) {
    const advice = "Put it on a local disk: SQLite's write-ahead log needs memory that is shared on one machine.";
    return problem(check, `${dataDir} is on a network file system`, advice);
  }
  if ((statSync(dataDir).mode & 0o077) !== 0) {
    return warning(check, `${dataDir} can be read by other users of this machine`, `Run: chmod 700 ${dataDir}`);
  }
  return ok(check, `${dataDir} can be written to`);
}

export function checkSpace(dataDir: string): Finding {
  const check = "disk space";
  const { bavail, bsize } = statfsSync(existing(dataDir));
  const free = bavail * bsize;
  const message = `${(free / gibibyte).toFixed(1)} GiB are free`;
  const advice = "Make room, or keep less: MATRIC_RETENTION_DAYS, MATRIC_RETENTION_EVENTS, MATRIC_DELIVERIES_MAX.";
  if (free < bytesTooFew) return problem(check, message, advice);
  return free < bytesFew ? warning(check, message, advice) : ok(check, message);
}

/** How long a change takes to be safe: each is answered only when the disk has it. */
export function checkSync(dataDir: string): Finding {
  const check = "disk sync";
  const path = join(dataDir, `.doctor-${process.pid}`);
  const times: number[] = [];
  try {
    const file = openSync(path, "w");
    try {
      const page = Buffer.alloc(8192, 1);
      for (let round = 0; round < syncs; round++) {
        const startMs = performance.now();
        writeSync(file, page);
        fdatasyncSync(file);
        times.push(performance.now() - startMs);
      }
    } finally {
      closeSync(file);
      rmSync(path, { force: true });
    }
  } catch (error) {
    return skipped(check, `not measured: ${messageOf(error)}`);
  }
  times.sort((a, b) => a - b);
  const medianMs = times[syncs >> 1] ?? 0;
  const message = `${medianMs.toFixed(2)} ms in the middle, ${(times.at(-1) ?? 0).toFixed(1)} ms at most, of ${syncs}`;
  if (medianMs > syncSlowMs) {
    const advice = "Use a faster disk, or MATRIC_DURABILITY=normal if the last moments before a power cut may be lost.";
    return warning(check, message, advice);
  }
  if (medianMs < syncDoubtfulMs) {
    const advice = "The disk seems to be memory, or not to wait for its medium: what was answered may not survive a power cut.";
    return warning(check, message, advice);
  }
  return ok(check, message);
}

/** The nearest directory that is there. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}
