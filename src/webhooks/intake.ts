import type { Filter } from "../events/filter.ts";
import type { StoredEvent } from "../events/log.ts";
import type { Lane } from "./lane.ts";
import type { ReplayRow, WebhookRow } from "./store.ts";
import { filterOf } from "./target.ts";

/** How far the log has been read for one webhook, and what of it is still to be turned into deliveries. */
export class Intake {
  filters: readonly Filter[] = [];
  /** Where the database has the cursor, once what is being written there has arrived. */
  cursor = 0;
  /** Read up to here; of no meaning while it is at the head. */
  position = 0;
  /** How many events to read next time. */
  pageEvents = 64;
  /** At the head of the log: new events are handed to it. */
  isLive = false;
  /** Wanted, and not yet on the way to the database. */
  fresh: StoredEvent[] = [];
  /** On the way there. */
  planning = 0;
  /** Spans of the log that are read once more, the first one first. */
  replays: ReplayRow[] = [];

  constructor(readonly lane: Lane) {}

  /** Takes over what the database says now. */
  sync(webhook: WebhookRow, replays: ReplayRow[]): void {
    this.filters = [filterOf(webhook)];
    this.cursor = webhook.cursor_seq;
    this.position = webhook.cursor_seq;
    this.isLive = false;
    this.fresh = [];
    this.replays = replays;
  }

  /** How many more events it may take. */
  room(): number {
    return this.lane.window() - this.lane.size() - this.fresh.length - this.planning;
  }

  /** What is new goes before what is sent once more: that has half of the window at most. */
  replayRoom(): number {
    return this.room() - Math.floor(this.lane.window() / 2);
  }

  takeFresh(): StoredEvent[] {
    const taken = this.fresh;
    this.fresh = [];
    return taken;
  }
}
