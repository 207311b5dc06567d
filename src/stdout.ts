import type { LineSink } from "./logger.ts";

const flushAfterMs = 50;
const flushAboveChars = 64 * 1024;
/** What may wait for a slow or stopped reader of stdout; beyond it lines are dropped and counted, never awaited. */
const queuedCharsMax = 4 * 1024 * 1024;

/**
 * Standard output for the server's log. Lines leave in batches off the hot path; a reader that does not read costs at most
 * 4 MiB and never stalls the server: further lines are dropped and counted in `dropped`.
 */
export class StdoutSink implements LineSink {
  dropped = 0;
  #lines: string[] = [];
  #chars = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  readonly #write: (text: string) => Promise<unknown>;

  constructor(write: (text: string) => Promise<unknown> = writeStdout()) {
    this.#write = write;
  }

  write(line: string): void {
    if (this.#chars + line.length > queuedCharsMax) {
      this.dropped++;
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#writing) return;
    if (this.#chars > flushAboveChars) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), flushAfterMs);
  }

  /** Everything written so far has been handed to the system when this resolves, or `withinMs` has passed. */
  async flush(withinMs = 1000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while ((this.#lines.length > 0 || this.#writing) && performance.now() < deadline) {
      this.#start();
      await Promise.race([this.#writing, Bun.sleep(deadline - performance.now())]);
    }
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#lines.length === 0) return;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#writing = this.#write(text).then(
      () => this.#finish(text.length),
      // A closed pipe: nobody reads any more, and a log must not end the server.
      () => this.#finish(text.length),
    );
  }

  #finish(chars: number): void {
    this.#chars -= chars;
    this.#writing = undefined;
    this.#start();
  }
}

function writeStdout(): (text: string) => Promise<unknown> {
  const writer = Bun.stdout.writer();
  return async (text) => {
    writer.write(text);
    await writer.flush();
  };
}
