import type { Cancel, Clock } from "../clock.ts";
import { MatricError } from "../errors.ts";
import type { Family } from "./families.ts";
import { type Filter, filterKey, matches, withoutFamilies } from "./filter.ts";
import type { Group, Member } from "./group.ts";
import { Had } from "./had.ts";
import type { Hub } from "./hub.ts";
import type { EventLog, Gap, Position, StoredEvent } from "./log.ts";
import type { Sink } from "./sink.ts";
import { withoutSuperseded } from "./supersede.ts";

/** What is read from the log in one step: little enough that a slow client never has more than this queued. */
const pageEventsMax = 512;
const pageCharsMax = 64 * 1024;

/** Most clients have taken what they were sent before it is looked for the first time. */
const firstLookMs = 1000;
/** How often it is looked whether a slow client has taken something, before it is given up. */
const looksMax = 4;

interface Interest {
  filter: Filter;
  key: string;
  /** Events after this position are wanted. */
  from: number;
}

/** Filters whose events are remembered for a client that asks for older ones again and again before it has read them. */
const hadMax = 1024;

export interface SubscriptionOptions<Chunk> {
  log: EventLog;
  hub: Hub;
  clock: Clock;
  sink: Sink<Chunk>;
  slowMs: number;
}

/**
 * The one implementation of "history, then live, exactly once, in order": a cursor into the log with filters and a sink.
 * At the head it is served by the hub; whenever it is not (at the start, or when the client is slow) it reads pages from the
 * log at the client's pace. Nothing is queued but what the sink holds, so memory is bounded and nothing is dropped.
 */
export class Subscription<Chunk> implements Member {
  readonly encode;
  #interests: Interest[];
  #position: number;
  /** Where "now" is, also while older events are read again. */
  #furthest = 0;
  /** The newest position that the client itself knows of, from an event or from `StreamCursor`. */
  #told: number;
  readonly #had = new Had();
  /** What gave way to others, with how far it had been read. */
  readonly #former: (Pick<Interest, "filter" | "from"> & { until: number })[] = [];
  #gap: Gap | undefined;
  #group: Group | undefined;
  /** How many snapshots there had been when it was last at the head. */
  #snapshotsSeen: number;
  #isWaiting = false;
  #isSlow = false;
  #stopped = false;
  #cancelSlow: Cancel | undefined;
  #cancelNext: Cancel | undefined;
  readonly #options: SubscriptionOptions<Chunk>;

  constructor(filters: readonly Filter[], position: Position, options: SubscriptionOptions<Chunk>) {
    this.#options = options;
    this.encode = options.sink.encode;
    this.#position = position.seq;
    this.#told = position.seq;
    this.#gap = position.gap;
    this.#snapshotsSeen = options.hub.snapshotCount();
    this.#interests = filters.map((filter) => ({ filter, key: filterKey(filter), from: position.seq }));
  }

  /** Begins to write into the sink: at once and within this call, as far as the client takes it. */
  start(): void {
    this.#pump();
  }

  /** Nothing is written after this. */
  stop(): void {
    this.#stopped = true;
    this.#leave();
    this.#cancelSlow?.();
    this.#cancelNext?.();
  }

  /** Every wanted event up to here has been handed to the sink. */
  position(): number {
    return this.#group ? this.#options.hub.position() : this.#position;
  }

  /** Whether the client may believe to be further back than it is, since what came lately was not for it. */
  isUntold(): boolean {
    return this.position() > this.#told && this.#had.size === 0;
  }

  /** The client has been told the position (by `StreamCursor`). */
  tell(): void {
    this.#told = this.position();
  }

  filters(): Filter[] {
    return this.#interests.map((interest) => interest.filter);
  }

  /**
   * Adds a filter; `since` is the position after which its events are wanted (now, if not given). Events that another filter
   * of this subscription has delivered are not delivered again. False when an equal filter is there already.
   */
  add(filter: Filter, since?: Position): boolean {
    const key = filterKey(filter);
    const reached = this.position();
    this.#furthest = Math.max(this.#furthest, reached);
    const from = since?.seq ?? this.#furthest;
    const equal = this.#interests.find((interest) => interest.key === key);
    if (equal && from >= equal.from) return false;
    if (from < reached && this.#had.size > hadMax) {
      throw new MatricError("rate_limited", "Too many subscriptions ask for older events; wait until they have arrived.");
    }
    this.#leave();
    if (from < reached) {
      for (const interest of this.#interests) this.#had.add(interest.filter, interest.from, reached);
      for (const former of this.#former) this.#had.add(former.filter, former.from, former.until);
    }
    this.#position = Math.min(from, reached);
    if (since?.gap) this.#options.sink.gap(since.gap);
    this.#interests = [...this.#interests.filter((interest) => interest !== equal), { filter, key, from }];
    this.#pump();
    return true;
  }

  /** Takes a filter away. False when there is none that is equal. */
  remove(filter: Filter): boolean {
    const key = filterKey(filter);
    const rest = this.#interests.filter((interest) => interest.key !== key);
    if (rest.length === this.#interests.length) return false;
    this.#replace(rest);
    return true;
  }

  /** Takes a filter away that others stand in for now: what it has brought is not brought again by them. */
  giveWay(filter: Filter): void {
    const key = filterKey(filter);
    const interest = this.#interests.find((one) => one.key === key);
    if (!interest) return;
    this.#former.push({ filter, from: interest.from, until: Math.max(this.#furthest, this.position()) });
    this.remove(filter);
  }

  removeAll(): void {
    this.#replace([]);
  }

  /** From now on the reader may not have these families; undefined when it may have all. */
  hide(hidden: readonly Family[] | undefined): void {
    this.restrict((filter) => withoutFamilies(filter, hidden));
  }

  /** Gives each filter another one in its place, which wants no more than it did, or none. */
  restrict(change: (filter: Filter) => Filter | undefined): void {
    const restricted = this.#interests.flatMap(({ filter, from }) => {
      const next = change(filter);
      return next ? [{ filter: next, key: filterKey(next), from }] : [];
    });
    this.#replace(restricted);
  }

  #replace(interests: Interest[]): void {
    const now = this.position();
    this.#leave();
    this.#position = now;
    this.#interests = interests;
    this.#pump();
  }

  deliver(chunk: unknown, last: number, to: number): void {
    if (!this.#group) return;
    this.#told = last;
    // The group made the chunk with this very sink's `encode`.
    const full = this.#options.sink.write(chunk as Chunk);
    if (!full) return;
    this.#leave();
    this.#position = to;
    this.#isSlow = true;
    this.#waitFor(full);
  }

  snapshot(name: string, text: string): void {
    this.#options.sink.snapshot(name, text);
  }

  #leave(): void {
    if (!this.#group) return;
    this.#options.hub.leave(this.#group, this);
    this.#group = undefined;
    this.#snapshotsSeen = this.#options.hub.snapshotCount();
  }

  /** Reads one page and hands it on; goes on in the next turn, so that one long history does not keep the others waiting. */
  #pump(): void {
    if (this.#stopped || this.#isWaiting || this.#group || this.#cancelNext) return;
    const { hub, sink } = this.#options;
    this.#tellGap();
    const page = this.#read();
    if (!page) return;
    const last = page.at(-1);
    if (!last) {
      this.#had.passed(this.#position);
      this.#isSlow = false;
      this.#group = hub.join(this.filters(), this, this.#snapshotsSeen);
      return;
    }
    const wanted = page.filter((event) => this.#wants(event));
    const events = this.#isSlow ? withoutSuperseded(wanted) : wanted;
    this.#position = last.seq;
    this.#had.passed(last.seq);
    const lastWanted = events.at(-1);
    if (lastWanted) {
      this.#told = Math.max(this.#told, lastWanted.seq);
      const full = sink.write(sink.encode(events));
      if (full) {
        this.#waitFor(full);
        return;
      }
    }
    this.#next();
  }

  #read(): StoredEvent[] | undefined {
    const { log, sink } = this.#options;
    try {
      return log.readAfter(this.#position, pageEventsMax, pageCharsMax);
    } catch (error) {
      this.stop();
      sink.failed(error);
      return undefined;
    }
  }

  #next(): void {
    const immediate = setImmediate(() => {
      this.#cancelNext = undefined;
      this.#pump();
    });
    this.#cancelNext = () => clearImmediate(immediate);
  }

  #waitFor(full: Promise<void>): void {
    this.#isWaiting = true;
    const { clock, sink } = this.#options;
    this.#cancelSlow = clock.after(firstLookMs, () => this.#watch(sink.untakenBytes()));
    full.then(
      () => {
        this.#cancelSlow?.();
        this.#isWaiting = false;
        this.#pump();
      },
      () => this.stop(),
    );
  }

  /** Ends the connection when nothing was taken for `slowMs`. */
  #watch(untakenBytes: number, looks = looksMax): void {
    const { clock, sink, slowMs } = this.#options;
    this.#cancelSlow = clock.after(slowMs / looksMax, () => {
      const left = sink.untakenBytes();
      if (left < untakenBytes) this.#watch(left);
      else if (looks > 1) this.#watch(untakenBytes, looks - 1);
      else sink.slow();
    });
  }

  /** What could not be had at the start, or was removed from the log while the client was too slow to read it. */
  #tellGap(): void {
    const { log, sink } = this.#options;
    const removedUntil = log.oldest() - 1;
    if (!this.#gap && this.#position < removedUntil) {
      this.#gap = { from: log.idOf(this.#position), to: log.idOf(removedUntil), reason: "expired" };
      this.#position = removedUntil;
    }
    if (this.#gap) sink.gap(this.#gap);
    this.#gap = undefined;
  }

  #wants(event: StoredEvent): boolean {
    const { seq } = event;
    return this.#interests.some(({ filter, from }) => from < seq && matches(filter, event)) && !this.#had.holds(event);
  }
}
