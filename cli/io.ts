import { messageOf } from "../src/errors.ts";
import { Failure } from "./failure.ts";
import { orInterrupted } from "./or-interrupted.ts";
import { watchReader } from "./reader-watch.ts";

/** Where text goes. Writes are gathered and leave together; awaiting them is what makes a slow reader slow us down. */
export interface Output {
  readonly isTty: boolean;
  readonly columns: number;
  /** Rejects with `BrokenPipe` when nobody reads any more, with a `Failure` when it cannot be written. */
  write(text: string): Promise<void>;
  /** Bytes as they are, after all text so far; resolves when they have left. Rejects as `write` does. */
  writeBytes(bytes: Uint8Array): Promise<void>;
  flush(): Promise<void>;
}

/** All that a command sees of the process it runs in. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** `read` rejects with the reason when the signal of `interrupts` aborts. */
  readonly stdin: { readonly isTty: boolean; read(): Promise<Uint8Array> };
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * From the first call on Ctrl-C no longer ends the process but aborts this signal (a second Ctrl-C ends it). It also aborts
   * when the reader of stdout is gone. A command that handles signals itself does not call it.
   */
  interrupts(): AbortSignal;
  /** While `run` runs, Ctrl-C is for the program that has the terminal (an editor), and not for us. */
  withoutInterrupts<Result>(run: () => Promise<Result>): Promise<Result>;
}

/** The reason of an abort by Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Whoever read our output has seen enough. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

const gatherCharsMax = 64 * 1024;
const columnsDefault = 80;

export class StreamOutput implements Output {
  #gathered = "";
  #flushing: Promise<void> | undefined;
  #isScheduled = false;
  #broken: BrokenPipe | Failure | undefined;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly onBroken: (error: BrokenPipe | Failure) => void,
  ) {
    // Without a listener a closed pipe would end the process with a stack trace.
    stream.on("error", (cause) => this.#break(cause));
  }

  get isTty(): boolean {
    return this.stream.isTTY === true;
  }

  get columns(): number {
    return this.stream.columns || columnsDefault;
  }

  async write(text: string): Promise<void> {
    if (this.#broken) throw this.#broken;
    this.#gathered += text;
    if (this.#gathered.length >= gatherCharsMax) return this.flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush().catch(() => {});
    });
  }

  /** Resolves when everything has left; rejects as `write` does, for what was written before, too. */
  async flush(): Promise<void> {
    if (this.#broken) throw this.#broken;
    this.#flushing ??= this.#drain().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  async writeBytes(bytes: Uint8Array): Promise<void> {
    await this.flush();
    await this.#send(bytes);
  }

  async #drain(): Promise<void> {
    while (this.#gathered !== "") {
      const text = this.#gathered;
      this.#gathered = "";
      await this.#send(text);
    }
  }

  #send(chunk: string | Uint8Array): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.stream.write(chunk, (cause) => (cause ? reject(this.#break(cause)) : resolve()));
    });
  }

  #break(cause: unknown): BrokenPipe | Failure {
    this.#broken ??= isBrokenPipe(cause)
      ? new BrokenPipe("Nobody reads the output any more.", { cause })
      : new Failure("output_failed", `The output cannot be written: ${messageOf(cause)}.`);
    this.#gathered = "";
    this.onBroken(this.#broken);
    return this.#broken;
  }
}

function isBrokenPipe(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && (cause.code === "EPIPE" || cause.code === "ECONNRESET");
}

/** The real thing. */
export function processIo(): Io {
  const stop = new AbortController();
  let isListening = false;
  let isElsewhere = false;
  const interrupt = () => {
    if (isElsewhere) return;
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Interrupted("Interrupted."));
  };
  return {
    stdout: new StreamOutput(process.stdout, (error) => stop.abort(error)),
    stderr: new StreamOutput(process.stderr, () => {}),
    stdin: { isTty: process.stdin.isTTY === true, read: () => orInterrupted(Bun.stdin.bytes(), stop.signal) },
    env: process.env,
    interrupts() {
      if (isListening) return stop.signal;
      isListening = true;
      process.on("SIGINT", interrupt);
      watchReader(process.stdout.fd, () => stop.abort(new BrokenPipe("Nobody reads the output any more."))).catch(() => {});
      return stop.signal;
    },
    async withoutInterrupts(run) {
      isElsewhere = true;
      return run().finally(() => {
        isElsewhere = false;
      });
    },
  };
}
