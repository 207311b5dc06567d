import { readdirSync, readFileSync } from "node:fs";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Clock } from "../../clock.ts";

/**
 * The process itself, under the names that dashboards know. Not by prom-client's own collectors: on Bun their heap figures are
 * wrong and their counts of handles always 0.
 */
export class ProcessMetrics {
  readonly #lag;

  constructor(
    registry: Registry,
    private readonly clock: Clock,
    version: string,
  ) {
    const registers = [registry];
    const gauge = (name: string, help: string, read: () => number | undefined) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          const value = read();
          if (value === undefined) this.remove();
          else this.set(value);
        },
      });
    new Counter({
      name: "process_cpu_seconds_total",
      help: "CPU time used, user and system, of all threads.",
      registers,
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    gauge("process_resident_memory_bytes", "Memory that the process holds.", () => process.memoryUsage.rss());
    gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", () => performance.timeOrigin / 1000);
    gauge("process_open_fds", "Files and sockets that are open.", openFiles);
    gauge("process_max_fds", "Files and sockets that may be open.", openFilesMax);
    new Gauge({
      name: "matric_build_info",
      help: "1, with the versions of matric and of Bun as labels.",
      labelNames: ["version", "bun"],
      registers,
    }).set({ version, bun: Bun.version }, 1);
    this.#lag = new Histogram({
      name: "matric_event_loop_lag_seconds",
      help: "How late timers run: for so long nothing else is done either. Four samples a second.",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    });
  }

  /** A timer that was to run at `dueMs` runs now, on the monotonic clock. */
  timer(dueMs: number): void {
    this.#lag.observe(Math.max(0, this.clock.monotonicMs() - dueMs) / 1000);
  }
}

/** Undefined where the system has no `/proc`. */
export function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

export function openFilesMax(): number | undefined {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return undefined;
  }
}
