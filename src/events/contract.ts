import { type Static, Type } from "@sinclair/typebox";
import { Envelope } from "./catalog.ts";
import { transientCatalog } from "./transient-catalog.ts";

/** The answer to one published event. */
export const Published = Type.Object({ id: Type.String({ description: "Id of the event" }) });

/** The answer to an array of published events. */
export const AllPublished = Type.Object({
  items: Type.Array(Published, { description: "In the order in which they were sent" }),
});

const { data: Gap } = transientCatalog.StreamGap;

/** One page of the history, oldest first. */
export const EventPage = Type.Object({
  items: Type.Array(Envelope),
  next_cursor: Type.Union([Type.String(), Type.Null()], {
    description: "Pass it as `cursor` for the next page; null at the end",
  }),
  gap: Type.Optional(
    Type.Object(Gap.properties, {
      description: "There when events after the cursor that was sent cannot be had: the page goes on after `to`",
    }),
  ),
});
export type EventPage = Static<typeof EventPage>;

/** The answer to a long poll. */
export const EventPoll = Type.Object({
  items: Type.Array(Envelope, { description: "None when there was no event in time" }),
  next_cursor: Type.String({ description: "Pass it as `since` next time" }),
  gap: Type.Union([Gap, Type.Null()], { description: "Set when events before these cannot be had" }),
});
export type EventPoll = Static<typeof EventPoll>;
