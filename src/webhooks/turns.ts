/** Of one turn of the event loop. */
const turnMsMax = 4;

/**
 * Spreads work over turns of the event loop, so that requests are answered in between however many webhooks have something to do
 * at once. At once while the turn has time left; of what waits, what may come last does so, else in order.
 */
export class Turns {
  readonly #waiting = new Set<() => void>();
  readonly #last = new Set<() => void>();
  #leftMs = 0;
  #next: ReturnType<typeof setImmediate> | undefined;

  /** `task` must not throw. */
  run(task: () => void, { mayBeLast = false } = {}): void {
    const waiting = mayBeLast ? this.#last : this.#waiting;
    if (!this.#next) this.#endTurnLater();
    if (this.#leftMs > 0 && waiting.size === 0) this.#spend(task);
    else waiting.add(task);
  }

  /** What has not begun does not begin any more. */
  stop(): void {
    this.#waiting.clear();
    this.#last.clear();
  }

  #endTurnLater(): void {
    this.#leftMs = turnMsMax;
    this.#next = setImmediate(() => {
      this.#next = undefined;
      if (this.#waiting.size + this.#last.size === 0) return;
      this.#endTurnLater();
      this.#begin(this.#waiting);
      this.#begin(this.#last);
    });
  }

  #begin(tasks: Set<() => void>): void {
    for (const task of tasks) {
      if (this.#leftMs <= 0) return;
      tasks.delete(task);
      this.#spend(task);
    }
  }

  #spend(task: () => void): void {
    const startMs = performance.now();
    task();
    this.#leftMs -= performance.now() - startMs;
  }
}
