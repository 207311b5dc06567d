import { cut } from "./cells.ts";
import type { Output } from "./io.ts";
import { printable } from "./printable.ts";

const barWidth = 24;
const redrawMs = 80;

/** One line on a terminal that is redrawn in place; nothing at all where there is no terminal. */
export class ProgressBar {
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(
    private readonly output: Output,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** `fraction` is 0 to 1. Redraws at most 12 times a second. */
  async show(fraction: number, text: string): Promise<void> {
    if (!this.output.isTty || this.nowMs() - this.#drawnAtMs < redrawMs) return;
    this.#drawnAtMs = this.nowMs();
    this.#isShown = true;
    const done = Math.round(Math.min(1, Math.max(0, fraction)) * barWidth);
    const bar = `${"█".repeat(done)}${"░".repeat(barWidth - done)} ${String(Math.floor(fraction * 100)).padStart(3)} %  ${printable(text)}`;
    await this.output.write(`\r\x1b[K${cut(bar, this.output.columns - 1)}`);
  }

  /** Takes the line away; what is written to stdout after it does not meet it. */
  async clear(): Promise<void> {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
    await this.output.write("\r\x1b[K");
    await this.output.flush();
  }
}
