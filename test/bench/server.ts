import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lineReader } from "../support/cli.ts";
import { cpuSecondsOf, onCore } from "./machine.ts";
import { nowUs } from "./monotonic.ts";

const stopWithinMs = 10_000;

/** A server under test, in a process and with a data directory of its own. */
export class BenchServer {
  private constructor(
    readonly port: number,
    /** From starting the process until it listened. */
    readonly startMs: number,
    private readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">,
    private readonly dataDir: string,
  ) {}

  /** The built binary. `seed` may fill the data directory before; `onLine` gets each line of its log. */
  static async matric(
    binary: string,
    seed: (dataDir: string) => void | Promise<void> = () => {},
    env: Record<string, string> = {},
    onLine?: (line: string) => void,
  ): Promise<BenchServer> {
    const dataDir = await mkdtemp(join(tmpdir(), "matric-bench-"));
    await seed(dataDir);
    return BenchServer.#start([binary, "serve", "--port", "0", "--data-dir", dataDir], dataDir, env, onLine);
  }

  /** What it is compared with: a script of `baselines/`. */
  static async baseline(script: string): Promise<BenchServer> {
    return BenchServer.#start(
      [process.execPath, join(import.meta.dir, "baselines", script)],
      await mkdtemp(join(tmpdir(), "matric-bench-")),
    );
  }

  static async #start(
    command: string[],
    dataDir: string,
    env: Record<string, string> = {},
    onLine?: (line: string) => void,
  ): Promise<BenchServer> {
    const startedAtUs = nowUs();
    const child = Bun.spawn(onCore(0, command), {
      cwd: dataDir,
      env: {
        PATH: process.env.PATH ?? "",
        MATRIC_LOG_FORMAT: "json",
        // Raw sockets answer no pings.
        MATRIC_WS_PONG_TIMEOUT_SECONDS: "3600",
        MATRIC_RETENTION_EVENTS: "1000000000",
        // All of them come from this machine.
        MATRIC_CONNECTIONS_PER_ADDRESS_MAX: "1000000",
        ...env,
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const lines = lineReader(child.stdout);
    for (;;) {
      const { message, fields } = JSON.parse(await lines.next());
      if (message !== "listening") continue;
      // As a log shipper does: a log that nobody reads would cost less.
      if (onLine) each(lines, onLine);
      else lines.discard();
      return new BenchServer(Number(new URL(fields.url).port), (nowUs() - startedAtUs) / 1000, child, dataDir);
    }
  }

  get pid(): number {
    return this.child.pid;
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await Promise.race([this.child.exited, Bun.sleep(stopWithinMs)]);
    if (this.child.exitCode === null) this.child.kill("SIGKILL");
    await this.child.exited;
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

async function each(lines: ReturnType<typeof lineReader>, onLine: (line: string) => void): Promise<void> {
  try {
    for (;;) onLine(await lines.next());
  } catch {
    // The end of its output.
  }
}
