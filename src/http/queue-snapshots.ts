import type { Cancel, Clock } from "../clock.ts";
import type { Hub } from "../events/hub.ts";

/** Between two snapshots of the queue. */
const paceMs = 1000;

/**
 * Tells the streams how the queue stands when that changes: at once, then at most once a second, and always the last state.
 */
export class QueueSnapshots {
  #sentMs = Number.NEGATIVE_INFINITY;
  #cancel: Cancel | undefined;
  #isStopped = false;

  constructor(
    private readonly hub: Hub,
    private readonly clock: Clock,
    /** The text of a `QueueStatus` as of now. */
    private readonly status: () => string,
  ) {}

  /** To be called after every change. */
  changed(): void {
    if (this.#cancel || this.#isStopped) return;
    const waitMs = this.#sentMs + paceMs - this.clock.monotonicMs();
    if (waitMs <= 0) this.#send();
    else this.#cancel = this.clock.after(waitMs, () => this.#send());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #send(): void {
    this.#cancel = undefined;
    this.#sentMs = this.clock.monotonicMs();
    this.hub.snapshot("QueueStatus", this.status());
  }
}
