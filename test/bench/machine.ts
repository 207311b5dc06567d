import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release } from "node:os";

/** Kernel ticks of CPU time in `/proc`. */
const ticksPerSecond = 100;

export function describeMachine(): string {
  const cores = availableParallelism();
  const model = cpus()[0]?.model ?? "unknown CPU";
  const pinned = canPin ? "server on core 0, load on core 1" : "nothing pinned to a core";
  return `${cores} cores of ${model}, Linux ${release()}, Bun ${Bun.version}; ${pinned}`;
}

const canPin = Bun.which("taskset") !== null && availableParallelism() >= 2;

/** The command, kept on one core where that can be done, so that server and load do not take each other's time. */
export function onCore(core: 0 | 1, command: string[]): string[] {
  return canPin ? ["taskset", "-c", String(core), ...command] : command;
}

/** Sockets and files that one process may hold. */
export function openFilesMax(): number {
  const limit = Bun.spawnSync(["sh", "-c", "ulimit -Hn"]).stdout.toString().trim();
  return limit === "unlimited" ? 1_000_000 : Number(limit);
}

/** CPU time that a process has used so far, all its threads together. */
export function cpuSecondsOf(pid: number): number {
  const fields = statFields(readFileSync(`/proc/${pid}/stat`, "utf8"));
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** CPU time that everything on this machine has used so far. */
export function cpuSecondsOfAll(): number {
  const [user, nice, system, , , irq, softirq] =
    readFileSync("/proc/stat", "utf8").split("\n")[0]?.split(/ +/).slice(1).map(Number) ?? [];
  return ((user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0)) / ticksPerSecond;
}

/** Memory that belongs to a process, shared pages counted by their share. */
export function pssKbOf(pid: number): number {
  return Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
}

export function rssKbOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** The fields after the name, which may hold blanks. */
function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
