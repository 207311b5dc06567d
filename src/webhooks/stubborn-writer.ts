import type { Clock } from "../clock.ts";
import type { Tx, Writer } from "../db/writer.ts";
import { MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";

const retryMs = 1000;

/** Writes what nobody else could repeat: it waits until a full disk, or whatever ails the database, is mended. */
export class StubbornWriter {
  readonly #waits = new Set<() => void>();
  #isStopped = false;

  constructor(
    private readonly writer: Writer,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** False when it was not stored: because of a mistake in it, which is logged, or because the server stops. Never rejects. */
  async write(change: (tx: Tx) => void): Promise<boolean> {
    for (;;) {
      let isStored = false;
      try {
        await this.writer.write((tx) => {
          change(tx);
          tx.afterCommit(() => {
            isStored = true;
          });
        });
        return true;
      } catch (error) {
        if (isStored) return true;
        if (this.#isStopped) return false;
        if (!isStorageFailure(error)) {
          this.logger.error("a webhook's state could not be stored", { error: String(error) });
          // Whoever begins again after this does not do it in a tight loop.
          await this.#wait();
          return false;
        }
      }
      await this.#wait();
    }
  }

  /** Ends all waiting. */
  stop(): void {
    this.#isStopped = true;
    for (const end of this.#waits) end();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#waits.delete(end);
        cancel();
        resolve();
      };
      const cancel = this.clock.after(retryMs, end);
      this.#waits.add(end);
    });
  }
}

function isStorageFailure(error: unknown): boolean {
  return error instanceof MatricError && (error.code === "storage_full" || error.code === "storage_unavailable");
}
