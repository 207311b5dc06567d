import { type Filter, filterKey, matches } from "./filter.ts";
import type { StoredEvent } from "./log.ts";
import type { Encode } from "./sink.ts";

/** A subscriber at the head of the log, as its group sees it. */
export interface Member {
  readonly encode: Encode<unknown>;
  /** Everything up to `to` that the member's filter wants is in `chunk`; `last` is the newest event in it. */
  deliver(chunk: unknown, last: number, to: number): void;
  /** Too much came at once to hand it over in one piece: read it from the log, after `seq`. */
  fallBehind(seq: number): void;
  snapshot(name: string, text: string): void;
}

/** Past this much text in one flush the members read from the log instead, so that none has more than a page queued. */
const flushCharsMax = 256 * 1024;

/** All live subscribers that want the same: an event is matched, and a batch encoded, once for all of them. */
export class Group {
  readonly members = new Set<Member>();
  #pending: StoredEvent[] = [];
  #chars = 0;

  constructor(
    readonly key: string,
    readonly filters: readonly Filter[],
  ) {}

  /** Adds the event if it is wanted and not there yet (several filters of one group may have led here). */
  offer(event: StoredEvent): boolean {
    if (this.#pending.at(-1) === event || !this.filters.some((filter) => matches(filter, event))) return false;
    this.#pending.push(event);
    this.#chars += event.text.length;
    return true;
  }

  /** Hands what is pending to every member; `from` and `to` are the positions of the hub before and after this flush. */
  flush(from: number, to: number): void {
    const events = this.#pending;
    const tooMuch = this.#chars > flushCharsMax;
    this.#pending = [];
    this.#chars = 0;
    const last = events.at(-1)?.seq;
    if (last === undefined) return;
    const chunks = new Map<Encode<unknown>, unknown>();
    for (const member of [...this.members]) {
      if (tooMuch) {
        member.fallBehind(from);
        continue;
      }
      if (!chunks.has(member.encode)) chunks.set(member.encode, member.encode(events));
      member.deliver(chunks.get(member.encode), last, to);
    }
  }
}

/** Equal for subscribers that want the same, whatever the order in which they asked. */
export function groupKey(filters: readonly Filter[]): string {
  return filters.map(filterKey).sort().join(" ");
}
