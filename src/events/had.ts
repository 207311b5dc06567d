import { type Filter, filterKey, matches } from "./filter.ts";
import type { StoredEvent } from "./log.ts";

/** Of the events that pass `filter`, a stretch of the log: those after `from`, up to and including `until`. */
interface Stretch {
  filter: Filter;
  from: number;
  until: number;
}

/** What a connection has had already, remembered while older events are read again for a filter that came later. */
export class Had {
  /** By filter; the stretches of one do not touch each other. */
  readonly #stretches = new Map<string, Stretch[]>();

  get size(): number {
    return this.#stretches.size;
  }

  add(filter: Filter, from: number, until: number): void {
    if (from >= until) return;
    const key = filterKey(filter);
    const stretches = this.#stretches.get(key) ?? [];
    const touching = stretches.filter((one) => one.from <= until && from <= one.until);
    const joined = {
      filter,
      from: Math.min(from, ...touching.map((one) => one.from)),
      until: Math.max(until, ...touching.map((one) => one.until)),
    };
    this.#stretches.set(key, [...stretches.filter((one) => !touching.includes(one)), joined]);
  }

  holds(event: StoredEvent): boolean {
    for (const stretches of this.#stretches.values()) {
      for (const { filter, from, until } of stretches) {
        if (from < event.seq && event.seq <= until && matches(filter, event)) return true;
      }
    }
    return false;
  }

  /** Forgets everything when reading has come as far. */
  passed(seq: number): void {
    const isAhead = ({ until }: Stretch) => until > seq;
    for (const stretches of this.#stretches.values()) if (stretches.some(isAhead)) return;
    this.#stretches.clear();
  }
}
