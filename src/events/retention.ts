import type { Cancel, Clock } from "../clock.ts";
import type { Writer } from "../db/writer.ts";
import type { Logger } from "../logger.ts";
import type { EventLog } from "./log.ts";

const checkEveryMs = 10_000;
/** Removed per transaction: about a millisecond, so that no writer waits noticeably. */
const stepEvents = 500;

export interface RetentionOptions {
  log: EventLog;
  writer: Writer;
  clock: Clock;
  logger: Logger;
  keepMs: number;
  keepEvents: number;
  /** The first event that somebody still needs: it and what follows stay, for `neededMsMax` at most. */
  neededFrom?: () => number | undefined;
}

/** Whoever has not taken an event for so long does not get it any more. */
const neededMsMax = 30 * 86_400_000;

/** Keeps the log small by age and by count, in small steps between which everybody else gets a turn. */
export class Retention {
  #cancel: Cancel | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = true;

  constructor(private readonly options: RetentionOptions) {}

  start(): void {
    this.#stopped = false;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  /** Removes what is too old or too much now; resolves when that is done. */
  async run(): Promise<void> {
    const { log, writer, clock, keepMs, keepEvents, neededFrom } = this.options;
    const wanted = Math.max(log.seqBefore(clock.now() - keepMs), log.head() - keepEvents);
    const needed = neededFrom?.() ?? Number.POSITIVE_INFINITY;
    const upTo = Math.min(wanted, Math.max(needed - 1, log.seqBefore(clock.now() - neededMsMax)));
    while (!this.#stopped && log.oldest() <= upTo) {
      await writer.write((tx) => log.prune(tx, upTo, stepEvents));
      await new Promise((resume) => setImmediate(resume));
    }
  }

  #arm(): void {
    this.#cancel = this.options.clock.after(checkEveryMs, () => {
      this.#running = this.run()
        .catch((error) => this.options.logger.error("retention failed", { error: String(error) }))
        .finally(() => {
          if (!this.#stopped) this.#arm();
        });
    });
  }
}
