import { parseCursor } from "../events/cursor.ts";

/** How far a stream has been handed on. It refuses what was handed on before, whatever a server or proxy repeats. */
export class StreamPosition {
  /** After which event to go on. */
  cursor: string | undefined;
  /** The highest sequence number seen of each life of the log; there are few. */
  readonly #highest = new Map<string, number>();

  constructor(cursor?: string) {
    if (cursor !== undefined) this.move(cursor);
  }

  /** Whether the event is new; then the cursor stands at it. */
  accept(id: string): boolean {
    const at = parseCursor(id);
    if (!at) return false;
    const epoch = at.epoch ?? "";
    if (at.seq <= (this.#highest.get(epoch) ?? -1)) return false;
    this.#highest.set(epoch, at.seq);
    this.cursor = id;
    return true;
  }

  /** The server says that everything up to here has been sent; never moves back. */
  move(cursor: string): void {
    this.accept(cursor);
  }

  /** Reading goes on after `to`, which can lie before what was seen: the log has lost its end and grows anew from there. */
  jump(to: string): void {
    const at = parseCursor(to);
    if (!at) return;
    this.#highest.set(at.epoch ?? "", at.seq);
    this.cursor = to;
  }
}
