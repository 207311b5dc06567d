import type { Io, Output } from "../../cli/io.ts";

class Collected implements Output {
  text = "";
  columns = 80;

  #waiting: { text: string; resolve: () => void }[] = [];

  constructor(readonly isTty: boolean) {}

  async write(text: string): Promise<void> {
    this.text += text;
    for (const { text, resolve } of this.#waiting) if (this.text.includes(text)) resolve();
  }

  writeBytes(bytes: Uint8Array): Promise<void> {
    return this.write(new TextDecoder().decode(bytes));
  }

  /** Resolves when `text` has been written. */
  seen(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ text, resolve });
    return promise;
  }

  async flush(): Promise<void> {}
}

/** A process's surroundings that a test can look at. */
export function fakeIo({
  isTty = false,
  env = {},
  stdin = "",
}: {
  isTty?: boolean;
  env?: Record<string, string>;
  stdin?: string;
} = {}) {
  const stdout = new Collected(isTty);
  const stderr = new Collected(isTty);
  const stop = new AbortController();
  const io: Io = {
    stdout,
    stderr,
    stdin: { isTty, read: async () => new TextEncoder().encode(stdin) },
    env,
    interrupts: () => stop.signal,
    withoutInterrupts: (run) => run(),
  };
  return { io, stdout, stderr, stop };
}
