import { signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import { parseCursor } from "../../../events/cursor.ts";
import type { Arrival, FeedListener } from "../live/feed.ts";
import { Paced } from "../live/paced.ts";
import { patiently } from "../shell/patiently.ts";
import { Meter } from "./meter.ts";

/** One event of the log, as it came. */
export interface TapeEvent {
  id: string;
  name: string;
  text: string;
}

/** Older ones fall off the end: the log has them all. */
const keptMost = 5000;
/** How many of the log's last events are shown to begin with. */
const backlog = 200;
/** A list that changes more often cannot be read. */
const showMs = 200;

/** The last events, newest first, and how many came how late. */
export class EventTape implements FeedListener {
  readonly events = signal<readonly TapeEvent[]>([]);
  readonly meter = new Meter();
  #kept: TapeEvent[] = [];
  #isWatched = false;
  #hasBacklog = false;
  readonly #show = new Paced(showMs, async () => {
    this.events.value = this.#kept.toReversed();
  });

  constructor(private readonly client: Client) {}

  /** While nobody looks, events are only kept. */
  watch(): () => void {
    this.#isWatched = true;
    this.#show.want();
    if (!this.#hasBacklog) void this.#fetchBacklog();
    return () => {
      this.#isWatched = false;
      this.events.value = [];
    };
  }

  arrived(arrivals: readonly Arrival[]): void {
    for (const { event, receivedAtMs } of arrivals) {
      if (event.kind !== "event") continue;
      this.#kept.push({ id: event.id, name: event.name, text: event.text });
      this.meter.count(event.text, receivedAtMs);
    }
    // Not at every event: moving five thousand of them along costs something.
    if (this.#kept.length > keptMost * 1.2) this.#kept = this.#kept.slice(-keptMost);
    if (this.#isWatched) this.#show.want();
  }

  async #fetchBacklog(): Promise<void> {
    this.#hasBacklog = true;
    const { signal } = new AbortController();
    try {
      const { log } = await patiently(() => this.client.server.health(signal), signal);
      const head = parseCursor(log.head);
      if (!head) return;
      const after = `${Math.max(0, head.seq - backlog)}-${log.epoch}`;
      const { items } = await patiently(() => this.client.events.list({ after, limit: backlog }, signal), signal);
      const known = new Set(this.#kept.map(({ id }) => id));
      const older = items.flatMap(({ id, event, ...rest }) =>
        id === undefined || known.has(id) ? [] : [{ id, name: event, text: JSON.stringify({ id, event, ...rest }) }],
      );
      this.#kept = [...older, ...this.#kept];
      this.#show.want();
    } catch {
      this.#hasBacklog = false;
    }
  }
}
