import { lineReader } from "./cli.ts";

/** The built binary, serving; it can be killed and started again on the same data and port. */
export class BinaryServer {
  #child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
  #port = "0";

  constructor(
    private readonly binary: string,
    private readonly dataDir: string,
    private readonly env: Record<string, string> = {},
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    this.#child = Bun.spawn([this.binary, "serve", "--port", this.#port, "--data-dir", this.dataDir], {
      env: { PATH: process.env.PATH ?? "", MATRIC_LOG_FORMAT: "json", ...this.env },
      cwd: this.dataDir,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const lines = lineReader(this.#child.stdout);
    for (;;) {
      const { message, fields } = JSON.parse(await lines.next());
      if (message !== "listening") continue;
      this.#port = new URL(fields.url).port;
      break;
    }
    // Nobody else reads it; a full pipe would make the server drop lines.
    void (async () => {
      for (;;) await lines.next();
    })().catch(() => {});
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  /** As an operator does; resolves with the exit code. */
  async stop(): Promise<number> {
    this.#child?.kill("SIGTERM");
    return (await this.#child?.exited) ?? 0;
  }
}
