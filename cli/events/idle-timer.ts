/** Aborts its signal when `start` was not followed by `stop` or another `start` for so many seconds; never, without seconds. */
export class IdleTimer {
  readonly #over = new AbortController();
  #timer: Timer | undefined;

  constructor(private readonly seconds: number | undefined) {}

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  start(): void {
    this.stop();
    if (this.seconds !== undefined) this.#timer = setTimeout(() => this.#over.abort(), this.seconds * 1000);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
