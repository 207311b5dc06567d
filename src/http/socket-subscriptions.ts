import { MatricError } from "../errors.ts";
import type { Family } from "../events/families.ts";
import { everything, type Filter, filterKey, withoutFamilies } from "../events/filter.ts";
import type { Position } from "../events/log.ts";
import type { Subscription } from "../events/subscription.ts";
import { withoutNamed } from "./socket-filter.ts";

/**
 * What all subscriptions together may name, for each one that there may be: whenever one is added or taken back, the hub looks at
 * all of them. Most name one note, job or family.
 */
const namesForEach = 16;

/** What one client subscribes to, and takes back, while it is connected. */
export class SocketSubscriptions {
  /** `takesEverything` until the first subscribe of a client that named no filter; `most` is how many there may be. */
  constructor(
    private readonly subscription: Subscription<string[]>,
    private takesEverything: boolean,
    private readonly most: number,
  ) {}

  /** Throws `rate_limited` when there are as many as there may be, or when they would name too much. */
  mustHaveRoomFor(filter: Filter): void {
    const filters = this.subscription.filters();
    const namesMost = this.most * namesForEach;
    const names = filters.reduce((sum, one) => sum + namesIn(one), namesIn(filter));
    if (filters.length < this.most && names <= namesMost) return;
    const message = `A connection holds at most ${this.most} subscriptions, which name at most ${namesMost} events, topics, notes and jobs; unsubscribe from some.`;
    throw new MatricError("rate_limited", message, { limit: "subscriptions" });
  }

  add(filter: Filter, since: Position | undefined, hidden: readonly Family[] | undefined): void {
    this.subscription.add(filter, since);
    const all = withoutFamilies(everything, hidden);
    if (this.takesEverything && filterKey(filter) !== filterKey(all)) this.subscription.giveWay(all);
    this.takesEverything = false;
  }

  /** Takes away the subscription to just that, or else its part in others. Throws `not_found` when it is in none. */
  takeAway(named: Filter): void {
    const isEqual = this.subscription.remove(named);
    if (!isEqual && this.subscription.filters().every((filter) => withoutNamed(filter, named) === filter)) {
      throw new MatricError(
        "not_found",
        "This connection has no such subscription; name the topics or events of one that it has.",
      );
    }
    if (!isEqual) this.subscription.restrict((filter) => withoutNamed(filter, named));
    this.takesEverything = false;
  }

  takeAll(): void {
    this.subscription.removeAll();
    this.takesEverything = false;
  }
}

function namesIn({ events, topics, noteIds, jobIds }: Filter): number {
  return events.length + topics.length + noteIds.length + jobIds.length;
}
