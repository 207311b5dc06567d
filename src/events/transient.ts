import { type Clock, timestamp } from "../clock.ts";
import { systemActor } from "./catalog.ts";
import type { TransientData, TransientName } from "./transient-catalog.ts";

/** The JSON of an event that has no id: a snapshot, or a word about one connection. */
export function transientText<Name extends TransientName>(clock: Clock, event: Name, data: TransientData<Name>): string {
  return JSON.stringify({ event, time: timestamp(clock.now()), subject: null, actor: systemActor, data });
}
