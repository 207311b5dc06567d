import { write } from "node:fs";
import type { LineSink } from "./logger.ts";

const stdoutFd = 1;
const fullPipeMs = 20;
const flushAfterMs = 50;
const flushAboveChars = 64 * 1024;
/** What may wait for a slow or stopped reader of stdout; beyond it lines are dropped and counted, never awaited. */
const queuedCharsMax = 4 * 1024 * 1024;

/**
 * Standard output for the server's log. Lines leave in batches off the hot path; a reader that does not read costs at most
 * 4 MiB and never stalls the server: further lines are dropped and counted in `dropped`, as are those that could not be written.
 */
export class StdoutSink implements LineSink {
  dropped = 0;
  #lines: string[] = [];
  #chars = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  readonly #write: (text: string) => Promise<unknown>;

  constructor(write: (text: string) => Promise<unknown> = writeStdout) {
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
    const lines = this.#lines;
    const text = lines.join("");
    this.#lines = [];
    this.#writing = this.#write(text).then(
      () => this.#finish(text.length),
      // A closed pipe: nobody reads any more, and a log must not end the server.
      () => {
        this.dropped += lines.length;
        this.#finish(text.length);
      },
    );
  }

  #finish(chars: number): void {
    this.#chars -= chars;
    this.#writing = undefined;
    this.#start();
  }
}

/** By the system call itself: Bun's writer takes everything for written once a write has failed, even when the disk has room again. */
async function writeStdout(text: string): Promise<void> {
  let rest = Buffer.from(text);
  while (rest.length > 0) rest = rest.subarray(await writeSome(rest));
}

/** Resolves to how much was taken. It happens in another thread, which may have to wait for the reader. */
function writeSome(bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(stdoutFd, bytes, (error, written) => {
      if (!error) resolve(written);
      // The pipe is full, and whoever made it wants nobody to wait in it.
      else if (error.code === "EAGAIN") setTimeout(() => resolve(0), fullPipeMs);
      else reject(error);
    });
  });
}
