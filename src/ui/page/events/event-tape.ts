import { signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import { parseCursor } from "../../../events/cursor.ts";
import type { Arrival, FeedListener } from "../live/feed-listener.ts";
import { Paced } from "../live/paced.ts";
import { patiently } from "../shell/patiently.ts";
import { LogTail, type TapeEvent } from "./log-tail.ts";
import { Meter } from "./meter.ts";

/** Older ones fall off the end: the log has them all. */
const keptMost = 5000;
/** How many of the log's last events are shown to begin with. */
const backlog = 200;
/** A list that changes more often cannot be read. */
const showMs = 200;
const backlogMs = 1000;

/** The last events, newest first, and how many came how late. */
export class EventTape implements FeedListener {
  readonly events = signal<readonly TapeEvent[]>([]);
  readonly hasFailed = signal(false);
  readonly meter = new Meter();
  readonly #tail = new LogTail(keptMost);
  #isWatched = false;
  /** What the log has and no frame brought: what happened before the page was opened, or within a gap. */
  #lacksBacklog = true;
  readonly #show = new Paced(showMs, async () => {
    this.events.value = this.#isWatched ? this.#tail.newestFirst() : [];
  });
  readonly #backlog = new Paced(backlogMs, () => this.#fetchBacklog());

  constructor(private readonly client: Client) {}

  /** While nobody looks, events are only kept. */
  watch(): () => void {
    this.#isWatched = true;
    this.#show.want();
    this.#wantBacklog();
    return () => {
      this.#isWatched = false;
      this.events.value = [];
    };
  }

  refresh(): void {
    this.#lacksBacklog = true;
    this.#wantBacklog();
  }

  resumed(): void {
    this.#wantBacklog();
  }

  arrived(arrivals: readonly Arrival[]): void {
    for (const { event, receivedAtMs } of arrivals) {
      if (event.kind !== "event") continue;
      const { id, name, text } = event;
      if (this.#tail.add({ id, name, text })) this.meter.count(text, receivedAtMs);
    }
    if (this.#isWatched) this.#show.want();
  }

  #wantBacklog(): void {
    if (this.#isWatched && this.#lacksBacklog) this.#backlog.want();
  }

  async #fetchBacklog(): Promise<void> {
    this.#lacksBacklog = false;
    try {
      const { log } = await patiently(() => this.client.server.health());
      const head = parseCursor(log.head);
      if (!head) return;
      const after = `${Math.max(0, head.seq - backlog)}-${log.epoch}`;
      const { items } = await patiently(() => this.client.events.list({ after, limit: backlog }));
      for (const { id, event, ...rest } of items) {
        if (id !== undefined) this.#tail.add({ id, name: event, text: JSON.stringify({ id, event, ...rest }) });
      }
      this.hasFailed.value = false;
    } catch {
      this.#lacksBacklog = true;
      this.hasFailed.value = true;
    }
    this.#show.want();
  }
}
