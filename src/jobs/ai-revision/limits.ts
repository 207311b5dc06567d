import type { Cancel, Clock } from "../../clock.ts";
import type { OwnErrorCode } from "../contract.ts";
import { JobError } from "../handler.ts";

/** The part of `fetch` that is needed here. */
export type Fetch = (...request: Parameters<typeof globalThis.fetch>) => Promise<Response>;

export interface AnswerLimits {
  /** How long the AI server may send nothing. */
  idleMs: number;
  /** How long one answer may take in all. */
  totalMs: number;
}

/** A line of an event stream can be no longer: a server that sends garbage without end must not fill the memory. */
const lineBytesMax = 1024 * 1024;
const lineFeed = 10;
/** What ends a stream of completions; it may come in two pieces, and blank lines follow it. */
const doneMark = /^data: ?\[DONE\]\s*$/m;
const tailChars = 64;

/** Watches one answer of the AI server; `signal` is aborted with a `JobError` as its reason when a limit is passed. */
export class AnswerWatch {
  readonly #controller = new AbortController();
  readonly #cancelTotal: Cancel;
  #cancelIdle: Cancel = () => {};
  #lineBytes = 0;
  #tail = "";

  constructor(
    private readonly clock: Clock,
    private readonly limits: AnswerLimits,
  ) {
    this.#cancelTotal = clock.after(limits.totalMs, () => this.#timedOut(`did not finish within ${limits.totalMs / 1000} s`));
    this.#alive();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the server said that its answer is complete. */
  get isDone(): boolean {
    return doneMark.test(this.#tail);
  }

  stop(): void {
    this.#cancelTotal();
    this.#cancelIdle();
  }

  /** The same fetch, whose answers are watched byte by byte: also a comment that keeps the stream alive is a sign of life. */
  fetch(fetch: Fetch): Fetch {
    return async (...request) => {
      const response = await fetch(...request);
      this.#alive();
      const { body, status, statusText, headers } = response;
      if (!body) return response;
      const watched = body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform: (chunk, out) => {
            this.#received(chunk);
            out.enqueue(chunk);
          },
        }),
      );
      return new Response(watched, { status, statusText, headers });
    };
  }

  #received(chunk: Uint8Array): void {
    this.#alive();
    this.#tail = (this.#tail + Buffer.from(chunk.subarray(-tailChars)).toString("latin1")).slice(-tailChars);
    const newline = chunk.lastIndexOf(lineFeed);
    this.#lineBytes = newline < 0 ? this.#lineBytes + chunk.length : chunk.length - newline;
    if (this.#lineBytes > lineBytesMax) this.#fail("ai_bad_answer", "sent a line without end");
  }

  #alive(): void {
    this.#cancelIdle();
    const { idleMs } = this.limits;
    this.#cancelIdle = this.clock.after(idleMs, () => this.#timedOut(`sent nothing for ${idleMs / 1000} s`));
  }

  #timedOut(what: string): void {
    this.#fail("ai_timeout", what);
  }

  #fail(errorCode: OwnErrorCode, what: string): void {
    this.stop();
    this.#controller.abort(new JobError({ errorCode, error: `The AI server ${what}.`, retry: true }));
  }
}
