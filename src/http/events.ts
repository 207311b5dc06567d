import { Type } from "@sinclair/typebox";
import { notFound } from "../errors.ts";
import type { Actor } from "../events/catalog.ts";
import { parseCursor } from "../events/cursor.ts";
import { describeEvents } from "../events/describe.ts";
import { everything } from "../events/filter.ts";
import { readHistory } from "../events/history.ts";
import { PublishEvents } from "../events/publish.ts";
import { positionSince } from "../events/since.ts";
import { waitForEvents } from "../events/wait.ts";
import { cursorQuery, filterFrom, filterQuery, numberFrom, startOf } from "./event-query.ts";
import { jsonText } from "./json.ts";
import { plugin } from "./plugin.ts";
import type { Services } from "./services.ts";
import { closingStream, openStream } from "./stream.ts";

const batchMsMax = 60_000;
const user: Actor = { kind: "user", id: null };

const streamQuery = Type.Object({
  ...filterQuery,
  ...cursorQuery,
  transport: Type.Optional(
    Type.Literal("poll", { description: "Answer as soon as there is an event, or with none after a while" }),
  ),
  batch_ms: Type.Optional(Type.String({ description: "Collect events for so many milliseconds, then send them together" })),
  after: Type.Optional(Type.String({ description: "History: events after this id" })),
  before: Type.Optional(Type.String({ description: "History: events before this id" })),
  cursor: Type.Optional(Type.String({ description: "History: the next_cursor of the page before" })),
  limit: Type.Optional(Type.String({ description: "History: at most so many events (default 50, at most 500)" })),
});

type Answer = "sse" | "ndjson" | "history" | "poll";

/** What the client can read. Anything that did not ask for JSON gets the stream. */
function answerFor(request: Request, params: URLSearchParams): Answer {
  if (params.get("transport") === "poll") return "poll";
  const accept = request.headers.get("accept") ?? "";
  if (accept.includes("text/event-stream")) return "sse";
  if (accept.includes("application/x-ndjson")) return "ndjson";
  return accept.includes("application/json") ? "history" : "sse";
}

/** Publishing, streaming and reading events. */
export function eventRoutes(services: Services) {
  const { log, publisher, clock } = services;
  return plugin("events")
    .post(
      "/events",
      async ({ body }) => {
        if (!Array.isArray(body)) return jsonText(`{"id":"${await publisher.publish(body, user)}"}`, 201);
        const ids = await publisher.publishAll(body, user);
        return jsonText(`{"items":[${ids.map((id) => `{"id":"${id}"}`).join(",")}]}`, 201);
      },
      {
        // Checked by the publisher, whose messages name the very field.
        body: Type.Any({ anyOf: PublishEvents.anyOf }),
        detail: { tags: ["events"], summary: "Publish one custom event, or an array of them in one transaction" },
      },
    )
    .get(
      "/events",
      ({ request, server }) => {
        const params = new URL(request.url).searchParams;
        const answer = answerFor(request, params);
        if (answer === "history") return history(services, request, params);
        if (answer === "poll") {
          server?.timeout(request, 0);
          return poll(services, request, params);
        }
        return stream(services, request, params, answer, (seconds) => server?.timeout(request, seconds));
      },
      {
        query: streamQuery,
        detail: { tags: ["events"], summary: "Follow the log (SSE, NDJSON, long poll), or read its history as JSON" },
      },
    )
    .get(
      "/events/:id",
      ({ params }) => {
        const cursor = parseCursor(params.id);
        const event = cursor && log.get(cursor.seq);
        if (!event || (cursor.epoch !== undefined && event.id !== params.id)) throw notFound("event", params.id);
        return jsonText(event.text);
      },
      { params: Type.Object({ id: Type.String() }), detail: { tags: ["events"], summary: "One event" } },
    )
    .get("/event-types", () => ({ items: describeEvents() }), {
      detail: { tags: ["events"], summary: "Every event with its topics and the JSON Schema of its data" },
    })
    .get("/connections", () => ({ items: services.connections.list(), next_cursor: null, now: clock.now() }), {
      detail: { tags: ["events"], summary: "Who listens now" },
    });
}

function stream(
  services: Services,
  request: Request,
  params: URLSearchParams,
  transport: "sse" | "ndjson",
  idleTimeout: (seconds: number) => void,
): Response {
  const { config, clock, log, connections } = services;
  if (!services.isReady()) return closingStream(clock, transport, "draining");
  if (connections.isFull()) return closingStream(clock, transport, "overloaded");
  const filter = filterFrom(params) ?? everything;
  const start = startOf(request, params, log, clock.now());
  const batchMs = numberFrom(params, "batch_ms", 0, batchMsMax, 0);
  idleTimeout(0);
  return openStream(
    { ...services, heartbeatMs: config.sseHeartbeatSeconds * 1000, slowMs: config.slowSeconds * 1000 },
    { transport, filter, ...start, batchMs, signal: request.signal, giveUp: () => idleTimeout(1) },
  );
}

async function poll(services: Services, request: Request, params: URLSearchParams): Promise<Response> {
  const { config, clock, log } = services;
  const { position } = startOf(request, params, log, clock.now());
  const timeoutMs = numberFrom(params, "wait_seconds", 0, config.pollSeconds, config.pollSeconds) * 1000;
  const waited = await waitForEvents(services, {
    filter: filterFrom(params) ?? everything,
    position,
    limit: limitFrom(params),
    timeoutMs,
    batchMs: numberFrom(params, "batch_ms", 0, batchMsMax, 0),
    signal: request.signal,
  });
  return page(waited.events, waited.nextCursor, `,"gap":${JSON.stringify(waited.gap)}`);
}

async function history(services: Services, request: Request, params: URLSearchParams): Promise<Response> {
  const { log, clock } = services;
  const at = (name: string) => {
    const text = params.get(name);
    return text === null || text === "" ? undefined : positionSince(log, text, clock.now(), name).seq;
  };
  const after = at("cursor") ?? at("after") ?? at("since") ?? log.oldest() - 1;
  const before = at("before");
  const query = { filter: filterFrom(params) ?? everything, after, limit: limitFrom(params), signal: request.signal };
  const found = await readHistory(log, before === undefined ? query : { ...query, before });
  return page(found.events, found.isEnd ? null : log.idOf(found.position));
}

function limitFrom(params: URLSearchParams): number {
  return numberFrom(params, "limit", 1, 500, 50);
}

function page(events: readonly { text: string }[], nextCursor: string | null, more = ""): Response {
  return jsonText(
    `{"items":[${events.map((event) => event.text).join(",")}],"next_cursor":${JSON.stringify(nextCursor)}${more}}`,
  );
}
