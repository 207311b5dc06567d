/** Runs something when it is wanted: at once, but at most once in `periodMs` and never twice at the same time. */
export class Paced {
  #isWanted = false;
  #isRunning = false;
  #nextMs = 0;

  constructor(
    private readonly periodMs: number,
    private readonly run: () => Promise<void>,
  ) {}

  want(): void {
    this.#isWanted = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    setTimeout(() => void this.#turn(), Math.max(0, this.#nextMs - performance.now()));
  }

  async #turn(): Promise<void> {
    this.#isWanted = false;
    this.#nextMs = performance.now() + this.periodMs;
    // Whatever failed is wanted again by the next event or connection.
    await this.run().catch(() => {});
    this.#isRunning = false;
    if (this.#isWanted) this.want();
  }
}
