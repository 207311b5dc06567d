import { Type } from "@sinclair/typebox";
import { Envelope } from "../../events/catalog.ts";
import { transientCatalog } from "../../events/transient-catalog.ts";
import { fitEvents } from "../cut.ts";
import { defineTool, reads } from "../tool.ts";

/** Clients give up after 60 s. */
const timeoutMsMax = 50_000;
const timeoutMsDefault = 25_000;
const batchMsMax = 30_000;
const limitMax = 200;
const limitDefault = 50;

const strict = { additionalProperties: false };

const filter = {
  events: Type.Optional(
    Type.Array(Type.String(), {
      description:
        "Only events of these names, for example NoteUpdated, JobCompleted; Job* is a family. Left out: all events, JobProgress among them",
    }),
  ),
  note_id: Type.Optional(Type.String({ description: "Only events about this note" })),
  job_id: Type.Optional(Type.String({ description: "Only events about this job" })),
};

const limit = Type.Optional(
  Type.Integer({ minimum: 1, maximum: limitMax, description: `At most so many events (default ${limitDefault})` }),
);

const slice = {
  events: Type.Array(
    Type.Object({
      ...Envelope.properties,
      omitted: Type.Optional(Type.String({ description: "Set when the data was too long for a list" })),
    }),
    { description: "In the order in which they happened" },
  ),
  next_cursor: Type.String({ description: "Everything up to here has been looked at: pass it as `after` next time" }),
  gap: Type.Union([transientCatalog.StreamGap.data, Type.Null()], {
    description:
      "Null, unless events after the cursor cannot be had any more (removed, or the data was restored): read anew what you know, and go on with next_cursor",
  }),
};

const wanted = (args: { events?: string[]; note_id?: string; job_id?: string }) => ({
  events: args.events,
  noteIds: args.note_id === undefined ? undefined : [args.note_id],
  jobIds: args.job_id === undefined ? undefined : [args.job_id],
});

export const eventTools = [
  defineTool({
    name: "list_events",
    title: "List events",
    description:
      "Reads what has happened already, oldest first, without waiting. Go on with after = next_cursor while has_more is true; the same cursor also continues with wait_for_events.",
    input: Type.Object(
      {
        after: Type.Optional(
          Type.String({
            maxLength: 64,
            description:
              "Where to begin: how long ago (10m, 24h, 7d), a time (RFC 3339), the id of an event, a next_cursor, or earliest (default 1h)",
          }),
        ),
        ...filter,
        limit,
      },
      strict,
    ),
    output: Type.Object({ ...slice, has_more: Type.Boolean() }),
    annotations: reads,
    async run(args, backend, caller) {
      const query = { filter: wanted(args), after: args.after ?? "1h", limit: args.limit ?? limitDefault };
      const { events, nextCursor, gap, hasMore } = fitEvents(await backend.listEvents(query, caller));
      return { events, next_cursor: nextCursor, gap, has_more: hasMore };
    },
  }),
  defineTool({
    name: "wait_for_events",
    title: "Wait for events",
    description: [
      "Waits until something happens, and tells what: notes that change, jobs that end, events that others publish.",
      "To follow everything without missing or repeating anything, loop: call it, handle the events, call it again with",
      "after = next_cursor of the answer before, also when timed_out is true; when a call fails, repeat it as it was.",
      "Keep the newest next_cursor to go on later; it stays valid when the server restarts. The first call without `after` waits for",
      "what happens from now on. Use the same filter throughout a loop.",
      "Your own changes come back as events whose actor.kind is agent: do not react to them.",
    ].join(" "),
    input: Type.Object(
      {
        after: Type.Optional(
          Type.String({
            maxLength: 64,
            description:
              "The next_cursor of the answer before, or the id of an event; also how long ago (10m), a time (RFC 3339), earliest. Left out: now",
          }),
        ),
        ...filter,
        timeout_ms: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: timeoutMsMax,
            description: `Answer with no events after so long (default ${timeoutMsDefault}); 0 answers at once`,
          }),
        ),
        batch_ms: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: batchMsMax,
            description: "After the first event go on collecting for so long, to handle several together (default 0)",
          }),
        ),
        limit,
      },
      strict,
    ),
    output: Type.Object({
      ...slice,
      timed_out: Type.Boolean({ description: "Nothing came in time: call again with after = next_cursor" }),
    }),
    annotations: reads,
    waits: true,
    async run(args, backend, caller) {
      const query = {
        filter: wanted(args),
        after: args.after,
        limit: args.limit ?? limitDefault,
        timeoutMs: args.timeout_ms ?? timeoutMsDefault,
        batchMs: args.batch_ms ?? 0,
      };
      const { events, nextCursor, gap } = fitEvents(await backend.waitForEvents(query, caller));
      return { events, next_cursor: nextCursor, timed_out: events.length === 0 && gap === null, gap };
    },
  }),
  defineTool({
    name: "get_event",
    title: "Get an event",
    description: "Reads one event with all of its data, which lists leave out when it is very long.",
    input: Type.Object({ id: Type.String({ maxLength: 64, description: "Id of the event" }) }, strict),
    output: Envelope,
    annotations: reads,
    run: ({ id }, backend, caller) => backend.getEvent(id, caller),
  }),
];
