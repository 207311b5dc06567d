import { eventKeys, indexKeys, type Matchable } from "./filter.ts";
import type { Group } from "./group.ts";

/** Finds the groups that may want an event without asking each of them. */
export class FilterIndex {
  readonly #groups = new Map<string, Set<Group>>();
  /** Lengths of the family patterns (`Job*`) in use, each with how many there are. */
  readonly #prefixLengths = new Map<number, number>();

  add(group: Group): void {
    for (const key of keysOf(group)) {
      const groups = this.#groups.get(key);
      if (groups) groups.add(group);
      else this.#groups.set(key, new Set([group]));
      this.#countPrefix(key, 1);
    }
  }

  remove(group: Group): void {
    for (const key of keysOf(group)) {
      const groups = this.#groups.get(key);
      groups?.delete(group);
      if (groups?.size === 0) this.#groups.delete(key);
      this.#countPrefix(key, -1);
    }
  }

  /** Calls `visit` for each candidate; more than once for a group that several keys lead to. */
  visit(event: Matchable, visit: (group: Group) => void): void {
    for (const key of eventKeys(event, this.#prefixLengths.keys())) this.#groups.get(key)?.forEach(visit);
  }

  #countPrefix(key: string, by: number): void {
    if (!key.startsWith("prefix ")) return;
    const length = key.length - "prefix ".length;
    const count = (this.#prefixLengths.get(length) ?? 0) + by;
    if (count > 0) this.#prefixLengths.set(length, count);
    else this.#prefixLengths.delete(length);
  }
}

function keysOf(group: Group): Set<string> {
  return new Set(group.filters.flatMap(indexKeys));
}
