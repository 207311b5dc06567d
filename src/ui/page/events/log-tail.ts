import { parseCursor } from "../../../events/cursor.ts";

/** One event of the log, as it came. */
export interface TapeEvent {
  id: string;
  name: string;
  text: string;
}

interface Placed extends TapeEvent {
  seq: number;
  epoch: string;
}

/**
 * The last events of the log, each of them once and all in the log's order, whatever order answers and frames bring them in. Of
 * two lives of the log the one that was heard of later is the newer one.
 */
export class LogTail {
  /** The oldest first: almost every event belongs at the end. */
  #kept: Placed[] = [];
  readonly #ids = new Set<string>();

  /** Holds at least the newest `most`, and at most a fifth more: moving them along at every event would cost too much. */
  constructor(private readonly most: number) {}

  /** False when the event is known. */
  add(event: TapeEvent): boolean {
    const at = parseCursor(event.id);
    if (!at || this.#ids.has(event.id)) return false;
    this.#ids.add(event.id);
    const placed = { ...event, seq: at.seq, epoch: at.epoch ?? "" };
    this.#kept.splice(this.#placeOf(placed), 0, placed);
    if (this.#kept.length > this.most * 1.2) this.#forget(this.#kept.length - this.most);
    return true;
  }

  newestFirst(): readonly TapeEvent[] {
    return this.#kept.toReversed();
  }

  #placeOf({ seq, epoch }: Placed): number {
    let place = this.#kept.length;
    for (let index = this.#kept.length - 1; index >= 0; index--) {
      const other = this.#kept[index];
      if (other?.epoch !== epoch) continue;
      if (other.seq < seq) return index + 1;
      place = index;
    }
    return place;
  }

  #forget(count: number): void {
    for (const { id } of this.#kept.splice(0, count)) this.#ids.delete(id);
  }
}
