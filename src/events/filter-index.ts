import { eventKeys, type Filter, indexKeys, type Matchable } from "./filter.ts";

/** Somebody who wants what any of these filters takes. */
export interface Filtering {
  readonly filters: readonly Filter[];
}

/** Finds those who may want an event without asking each of them. */
export class FilterIndex<Entry extends Filtering> {
  readonly #entries = new Map<string, Set<Entry>>();
  /** Lengths of the family patterns (`Job*`) in use, each with how many there are. */
  readonly #prefixLengths = new Map<number, number>();

  add(entry: Entry): void {
    for (const key of keysOf(entry)) {
      const entries = this.#entries.get(key);
      if (entries) entries.add(entry);
      else this.#entries.set(key, new Set([entry]));
      this.#countPrefix(key, 1);
    }
  }

  remove(entry: Entry): void {
    for (const key of keysOf(entry)) {
      const entries = this.#entries.get(key);
      entries?.delete(entry);
      if (entries?.size === 0) this.#entries.delete(key);
      this.#countPrefix(key, -1);
    }
  }

  /** Calls `visit` for each candidate; more than once for one that several keys lead to. */
  visit<Event extends Matchable>(event: Event, visit: (entry: Entry, event: Event) => void): void {
    if (this.#entries.size === 0) return;
    for (const key of eventKeys(event, this.#prefixLengths.keys())) {
      const entries = this.#entries.get(key);
      if (entries) for (const entry of entries) visit(entry, event);
    }
  }

  #countPrefix(key: string, by: number): void {
    if (!key.startsWith("prefix ")) return;
    const length = key.length - "prefix ".length;
    const count = (this.#prefixLengths.get(length) ?? 0) + by;
    if (count > 0) this.#prefixLengths.set(length, count);
    else this.#prefixLengths.delete(length);
  }
}

function keysOf({ filters }: Filtering): Set<string> {
  return new Set(filters.flatMap(indexKeys));
}
