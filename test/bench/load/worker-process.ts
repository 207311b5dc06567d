/** What a load process can be asked to do. Everything goes through JSON. */
export type Calls = Record<string, (request: never) => unknown>;

type Request<C extends Calls, Name extends keyof C> = Parameters<C[Name]>[0];
type Answer<C extends Calls, Name extends keyof C> = Awaited<ReturnType<C[Name]>>;

interface Asked {
  id: number;
  call: string;
  request: never;
}

interface Answered {
  id: number;
  answer?: unknown;
  error?: string;
}

/** Ends by itself if its parent forgets it. */
const livesAtMostMs = 3_600_000;

/** In the load process: answers the calls of the parent until that goes away. */
export function answerCalls(calls: Calls): void {
  process.on("message", async ({ id, call, request }: Asked) => {
    try {
      process.send?.({ id, answer: await calls[call]?.(request) } satisfies Answered);
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies Answered);
    }
  });
  process.on("disconnect", () => process.exit(0));
  setTimeout(() => process.exit(1), livesAtMostMs).unref();
  process.send?.({ id: 0 } satisfies Answered);
}

/** In the parent: a load process, and its calls as methods would be. */
export class WorkerProcess<C extends Calls> {
  #asked = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #child: Bun.Subprocess;

  private constructor(command: string[]) {
    this.#waiting.set(0, Promise.withResolvers());
    this.#child = Bun.spawn(command, {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "json",
      ipc: (message: Answered) => this.#settle(message),
      onExit: (_child, code) => this.#fail(new Error(`a load process ended with ${code}`)),
    });
  }

  /** `command` starts a process that calls `answerCalls` with `C`; resolves when it listens. */
  static async start<C extends Calls>(command: string[]): Promise<WorkerProcess<C>> {
    const worker = new WorkerProcess<C>(command);
    await worker.#waiting.get(0)?.promise;
    return worker;
  }

  get pid(): number {
    return this.#child.pid;
  }

  call<Name extends keyof C & string>(call: Name, request: Request<C, Name>): Promise<Answer<C, Name>> {
    const id = ++this.#asked;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, call, request });
    // Both ends are compiled from the same `C`.
    return waiting.promise as Promise<Answer<C, Name>>;
  }

  async stop(): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
  }

  #settle({ id, answer, error }: Answered): void {
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
    if (id !== 0) this.#waiting.delete(id);
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }
}
