import type { Cancel, Clock } from "../clock.ts";
import type { Filter } from "./filter.ts";
import { pageCharsMax } from "./history.ts";
import type { Hub } from "./hub.ts";
import type { EventLog, Gap, Position, StoredEvent } from "./log.ts";
import type { Sink } from "./sink.ts";
import { Subscription } from "./subscription.ts";

export interface WaitRequest {
  filter: Filter;
  position: Position;
  limit: number;
  /** Answers with nothing after so long. */
  timeoutMs: number;
  /** After the first event, how long to collect more. */
  batchMs: number;
  signal: AbortSignal;
}

export interface Waited {
  events: StoredEvent[];
  /** Go on from here. */
  nextCursor: string;
  gap: Gap | null;
}

/**
 * The next events after a position: at once if there are any, or there is a gap to tell of; else when one comes or the time is up.
 * At most `limit`, fewer when they are very large.
 */
export function waitForEvents(deps: { log: EventLog; hub: Hub; clock: Clock }, request: WaitRequest): Promise<Waited> {
  const { log, hub, clock } = deps;
  const { filter, position, limit, timeoutMs, batchMs, signal } = request;
  return new Promise((resolve, reject) => {
    const events: StoredEvent[] = [];
    let chars = 0;
    let gap: Gap | null = null;
    const end = () => {
      subscription.stop();
      cancelTimeout();
      cancelBatch?.();
      signal.removeEventListener("abort", finish);
    };
    const finish = () => {
      const taken = events.slice(0, limit);
      // What was read but does not fit the answer is read again next time.
      const seq = events.length > limit ? (taken.at(-1)?.seq ?? position.seq) : subscription.position();
      end();
      resolve({ events: taken, nextCursor: log.idOf(seq), gap });
    };
    let cancelBatch: Cancel | undefined;
    /** Something has come: what comes at once, or within `batchMs`, goes with it. */
    const collect = () => {
      if (batchMs === 0) queueMicrotask(finish);
      else cancelBatch ??= clock.after(batchMs, finish);
    };
    const sink: Sink<readonly StoredEvent[]> = {
      encode: (batch) => batch,
      write(batch) {
        events.push(...batch);
        for (const { text } of batch) chars += text.length;
        if (events.length >= limit || chars >= pageCharsMax) queueMicrotask(finish);
        else collect();
        return undefined;
      },
      snapshot() {},
      gap(found) {
        gap = found;
        collect();
      },
      untakenBytes: () => 0,
      slow() {},
      failed(error) {
        end();
        reject(error);
      },
    };
    const subscription = new Subscription([filter], position, { log, hub, clock, sink, slowMs: timeoutMs });
    const cancelTimeout = clock.after(timeoutMs, finish);
    signal.addEventListener("abort", finish);
    if (signal.aborted) finish();
    else subscription.start();
  });
}
