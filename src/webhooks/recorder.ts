import type { Tx } from "../db/writer.ts";
import type { StubbornWriter } from "./stubborn-writer.ts";

/** Something to be written down; `isStored` is false when it could not be, and then the database does not say so. */
interface Entry {
  change: (tx: Tx) => void;
  resolve: (isStored: boolean) => void;
}

/** Written at once: a few milliseconds, in which nobody else is served. */
const batchMax = 250;

/**
 * Writes down what came of attempts, many at a time: what comes while one batch is on its way to the disk makes the next. Nobody
 * waits for it but the place in the window of a webhook.
 */
export class Recorder {
  #waiting: Entry[] = [];
  #isWriting = false;

  constructor(private readonly writer: StubbornWriter) {}

  write(change: (tx: Tx) => void): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ change, resolve });
      if (!this.#isWriting) this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isWriting = true;
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      const isStored = await this.#store(batch);
      // A mistake in one of them takes nothing away from the others.
      if (!isStored && batch.length > 1) for (const one of batch) one.resolve(await this.#store([one]));
      else for (const { resolve } of batch) resolve(isStored);
    }
    this.#isWriting = false;
  }

  #take(): Entry[] {
    return this.#waiting.splice(0, batchMax);
  }

  #store(batch: readonly Entry[]): Promise<boolean> {
    return this.writer.write((tx) => {
      for (const { change } of batch) change(tx);
    });
  }
}
