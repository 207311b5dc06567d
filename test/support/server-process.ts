import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lineReader, spawnCli } from "./cli.ts";

/** A server in a process of its own, which a test can kill and start again on the same data and port. */
export class ServerProcess {
  #child: ReturnType<typeof spawnCli> | undefined;
  #port = "0";

  private constructor(
    readonly dataDir: string,
    private readonly env: Record<string, string>,
  ) {}

  static async start(env: Record<string, string> = {}, dataDir?: string): Promise<ServerProcess> {
    const server = new ServerProcess(dataDir ?? (await mkdtemp(join(tmpdir(), "matric-test-"))), env);
    await server.restart();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it listens. */
  async restart(): Promise<void> {
    this.#child = spawnCli(["serve", "--port", this.#port, "--data-dir", this.dataDir], {
      env: { MATRIC_LOG_FORMAT: "json", ...this.env },
    });
    const lines = lineReader(this.#child.stdout);
    for (;;) {
      const { message, fields } = JSON.parse(await lines.next());
      if (message !== "listening") continue;
      this.#port = new URL(fields.url).port;
      return;
    }
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  /** As an operator does; resolves with the exit code. */
  async terminate(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<number | undefined> {
    this.#child?.kill(signal);
    return this.#child?.exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.dataDir, { recursive: true });
  }
}
