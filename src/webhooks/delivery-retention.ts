import type { Cancel, Clock } from "../clock.ts";
import type { Writer } from "../db/writer.ts";
import type { Logger } from "../logger.ts";
import type { OldDeliveryStore } from "./old-delivery-store.ts";

const checkEveryMs = 10_000;
/** Removed per transaction, so that no writer waits noticeably. */
const stepRows = 200;

export interface DeliveryRetentionOptions {
  store: OldDeliveryStore;
  writer: Writer;
  clock: Clock;
  logger: Logger;
  keepMs: number;
  /** How many deliveries that arrived are kept; those that were given up stay for `keepMs`. */
  keepDelivered: number;
}

/** Removes deliveries that are done and old, in small steps between which everybody else gets a turn. */
export class DeliveryRetention {
  #cancel: Cancel = () => {};
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(private readonly options: DeliveryRetentionOptions) {}

  start(): void {
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#running;
  }

  /** Removes what is too old or too much now; resolves when that is done. */
  async run(): Promise<void> {
    const { store, clock, keepMs, keepDelivered } = this.options;
    const { before, newest } = store.bounds(clock.now() - keepMs);
    await this.#steps(() => store.removeDelivered(Math.max(before, newest - keepDelivered), stepRows));
    await this.#steps(() => store.removeExhausted(before, stepRows));
  }

  async #steps(remove: () => number): Promise<void> {
    while (!this.#isStopped) {
      const removed = await this.options.writer.write(() => remove());
      if (removed < stepRows) return;
      await new Promise((resume) => setImmediate(resume));
    }
  }

  #arm(): void {
    this.#cancel = this.options.clock.after(checkEveryMs, () => {
      this.#running = this.run()
        .catch((error) => this.options.logger.error("retention of deliveries failed", { error: String(error) }))
        .finally(() => {
          if (!this.#isStopped) this.#arm();
        });
    });
  }
}
