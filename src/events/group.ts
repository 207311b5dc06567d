import { type Filter, filterKey, matches } from "./filter.ts";
import type { StoredEvent } from "./log.ts";
import type { Encode } from "./sink.ts";

/** A subscriber at the head of the log, as its group sees it. */
export interface Member {
  readonly encode: Encode<unknown>;
  /** Everything up to `to` that the member's filter wants is in `chunk`; `last` is the newest event in it. */
  deliver(chunk: unknown, last: number, to: number): void;
  snapshot(name: string, text: string): void;
}

/** What is handed over at once: a member that takes no more then has little queued. */
const pieceCharsMax = 256 * 1024;

/** All live subscribers that want the same: an event is matched, and a batch encoded, once for all of them. */
export class Group {
  readonly members = new Set<Member>();
  #pending: StoredEvent[] = [];

  constructor(
    readonly key: string,
    readonly filters: readonly Filter[],
  ) {}

  /** Adds the event if it is wanted and not there yet (several filters of one group may have led here). */
  offer(event: StoredEvent): boolean {
    if (this.#pending.at(-1) === event || !this.filters.some((filter) => matches(filter, event))) return false;
    this.#pending.push(event);
    return true;
  }

  /** Hands what is pending to every member, in pieces; `to` is the position of the hub after this flush. */
  flush(to: number): void {
    for (let rest = this.#take(); rest.length > 0; ) {
      const end = endOfPiece(rest);
      const piece = rest.slice(0, end);
      rest = rest.slice(end);
      const last = piece.at(-1)?.seq ?? to;
      const reached = rest.length > 0 ? last : to;
      const chunks = new Map<Encode<unknown>, unknown>();
      // Whoever is full after a piece leaves, and reads the others from the log.
      for (const member of [...this.members]) {
        if (!chunks.has(member.encode)) chunks.set(member.encode, member.encode(piece));
        member.deliver(chunks.get(member.encode), last, reached);
      }
    }
  }

  #take(): StoredEvent[] {
    const events = this.#pending;
    this.#pending = [];
    return events;
  }
}

/** How many of the events make one piece: at least one. */
function endOfPiece(events: readonly StoredEvent[]): number {
  let chars = 0;
  const end = events.findIndex(({ text }) => {
    chars += text.length;
    return chars > pieceCharsMax;
  });
  return end < 0 ? events.length : Math.max(1, end);
}

/** Equal for subscribers that want the same, whatever the order in which they asked. */
export function groupKey(filters: readonly Filter[]): string {
  return filters.map(filterKey).sort().join(" ");
}
