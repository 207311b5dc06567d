import type { Cancel, Clock } from "../clock.ts";
import { type Filter, matches } from "./filter.ts";
import { FilterIndex } from "./filter-index.ts";
import { Group, groupKey, type Member } from "./group.ts";
import type { EventLog, StoredEvent } from "./log.ts";
import { topicsOf } from "./topics.ts";

/**
 * An event that comes alone leaves at once. When more come, those of some milliseconds leave in one write per connection: of
 * two, and of five above 8,000 events a second, where it is the number of writes that limits how many get through.
 */
const flushIntervalMsMin = 2;
const flushIntervalMsMax = 5;
const eventsPerMsMany = 8;

/**
 * Wakes the subscribers that are at the head of the log and hands them what was just committed, so that they need not read it.
 * It holds nothing that could be lost: whoever is not at the head reads from the log.
 */
export class Hub {
  readonly #groups = new Map<string, Group>();
  readonly #index = new FilterIndex<Group>();
  readonly #dirty = new Set<Group>();
  /** The newest of each name. */
  readonly #snapshots = new Map<string, { text: string; number: number }>();
  #snapshotCount = 0;
  #flushed: number;
  #seen: number;
  #nextFlushMs = Number.NEGATIVE_INFINITY;
  #cancel: Cancel | undefined;

  constructor(
    log: EventLog,
    private readonly clock: Clock,
  ) {
    this.#flushed = log.head();
    this.#seen = this.#flushed;
    log.onAppend((events) => this.#publish(events));
  }

  /**
   * Puts a subscriber that has read up to the head of the log into the group of its filters. The next flush reaches it. Of the
   * snapshots since the first `snapshotsSeen` it gets the newest now.
   */
  join(filters: readonly Filter[], member: Member, snapshotsSeen = this.#snapshotCount): Group {
    // Whoever joins has read what is pending from the log already; those who wait for it get it now.
    this.flush();
    const key = groupKey(filters);
    let group = this.#groups.get(key);
    if (!group) {
      group = new Group(key, filters);
      this.#groups.set(key, group);
      this.#index.add(group);
    }
    group.members.add(member);
    for (const [name, { text, number }] of this.#snapshots) {
      if (number > snapshotsSeen && wantsSnapshot(group, name)) member.snapshot(name, text);
    }
    return group;
  }

  leave(group: Group, member: Member): void {
    group.members.delete(member);
    if (group.members.size > 0 || this.#groups.get(group.key) !== group) return;
    this.#groups.delete(group.key);
    this.#dirty.delete(group);
    this.#index.remove(group);
  }

  /** Up to here the live subscribers have been served. */
  position(): number {
    return this.#flushed;
  }

  /**
   * Sends an event without id to the subscribers whose filter takes its name and topics: to those at the head now, to the others
   * when they get there, unless a newer one of its name has taken its place.
   */
  snapshot(name: string, text: string): void {
    this.#snapshots.set(name, { text, number: ++this.#snapshotCount });
    const wanting = [...this.#groups.values()].filter((group) => wantsSnapshot(group, name));
    for (const group of wanting) for (const member of group.members) member.snapshot(name, text);
  }

  /** How many snapshots there have been so far. */
  snapshotCount(): number {
    return this.#snapshotCount;
  }

  readonly #offer = (group: Group, event: StoredEvent): void => {
    if (group.offer(event)) this.#dirty.add(group);
  };

  #publish(events: readonly StoredEvent[]): void {
    for (const event of events) {
      this.#index.visit(event, this.#offer);
      this.#seen = event.seq;
    }
    if (this.#dirty.size > 0) this.#schedule();
    else this.#flushed = this.#seen;
  }

  #schedule(): void {
    if (this.#cancel) return;
    const wait = this.#nextFlushMs - this.clock.monotonicMs();
    if (wait > 0) {
      this.#cancel = this.clock.after(wait, () => this.flush());
      return;
    }
    // Not in this turn: the answers to those who published go out first.
    const immediate = setImmediate(() => this.flush());
    this.#cancel = () => clearImmediate(immediate);
  }

  /** Hands what is pending to the live subscribers now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const from = this.#flushed;
    this.#flushed = this.#seen;
    if (this.#dirty.size === 0) return;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    const intervalMs = (this.#flushed - from) / eventsPerMsMany;
    this.#nextFlushMs = this.clock.monotonicMs() + Math.min(Math.max(flushIntervalMsMin, intervalMs), flushIntervalMsMax);
    for (const group of dirty) group.flush(this.#flushed);
  }
}

/** What has no topic speaks of one connection, and is nobody else's. */
function wantsSnapshot({ filters }: Group, name: string): boolean {
  const event = { name, noteId: null, jobId: null };
  return topicsOf(event).length > 0 && filters.some((filter) => matches(filter, event));
}
