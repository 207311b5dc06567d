import type { ReceivedEvent } from "../../../client/stream-item.ts";

/** An event on its way to what is shown. */
export interface Arrival {
  event: ReceivedEvent;
  /** By this machine's clock. */
  receivedAtMs: number;
}

/** What wants to know of events. All arrivals of one moment come together, and what they change is painted once. */
export interface FeedListener {
  arrived?(arrivals: readonly Arrival[]): void;
  /** What is shown may be out of date: called when the first connection stands, or cannot be made, and after every gap. */
  refresh?(): void;
  /** The connection stands again, and nothing was missed: what failed meanwhile may be tried again. */
  resumed?(): void;
}
