import type { EventPage } from "../../src/events/contract.ts";
import type { Context } from "../context.ts";
import { remark } from "../output.ts";

/** Says on stderr which events are missing from what is shown. */
export function tellGap(context: Context, { from, to, reason }: NonNullable<EventPage["gap"]>): Promise<void> {
  return remark(context, "stream_gap", `Events from ${from} to ${to} cannot be had any more (${reason}).`);
}
