import { Type } from "@sinclair/typebox";
import type { Principal } from "../auth/principal.ts";
import { invalid, notFound } from "../errors.ts";
import { Envelope } from "../events/catalog.ts";
import { AllPublished, EventPage, EventPoll, Published } from "../events/contract.ts";
import { parseCursor } from "../events/cursor.ts";
import { describeEvents, EventType } from "../events/describe.ts";
import { everything, type Filter, mayHave, withoutFamilies } from "../events/filter.ts";
import { readHistory } from "../events/history.ts";
import { PublishEvents } from "../events/publish.ts";
import { endBefore } from "../events/since.ts";
import { waitForEvents } from "../events/wait.ts";
import { acceptedAnswer, type EventAnswer } from "./accept.ts";
import { actorOf } from "./actor.ts";
import { bodyMissing, NoBody } from "./body.ts";
import { ConnectionInfo } from "./connections.ts";
import { draining } from "./draining.ts";
import { filterFrom, numberFrom, startOf, streamParams, streamQuery } from "./event-query.ts";
import { patiently } from "./idle.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import { pageItemsDefault, refuseLargePage } from "./page-query.ts";
import { plugin } from "./plugin.ts";
import type { Services } from "./services.ts";
import { closingStream, openStream, streamHeaders } from "./stream.ts";

const tag = "events";
const batchMsMax = 60_000;

const streamHeaderFields = Type.Object({
  "Last-Event-ID": Type.Optional(Type.String({ description: "The last event seen; the stream goes on after it" })),
});

const Sse = Type.String({
  description:
    "Server-sent events (WHATWG HTML, section 9.2): `event:` is the name, `data:` the event's JSON, `id:` the cursor. /api/v1/asyncapi.json describes each event.",
});
const Ndjson = Type.String({ description: "The JSON of one event per line" });

/** What the client can read. Anything that did not ask for JSON gets the stream. */
function answerFor(request: Request, params: URLSearchParams): EventAnswer | "poll" {
  const transport = params.get("transport") ?? "";
  if (transport === "poll") return "poll";
  if (transport !== "") throw invalid("transport", `transport can only be poll, not "${transport.slice(0, 40)}".`);
  return acceptedAnswer(request.headers.get("accept") ?? "");
}

/** Publishing, streaming and reading events. */
export function eventRoutes(services: Services) {
  const { log, publisher, gate, bodies } = services;
  return plugin("events")
    .post(
      "/events",
      async ({ request }) => {
        const body = await bodies.read(request);
        if (body instanceof NoBody) throw bodyMissing();
        if (!Array.isArray(body)) return jsonText(`{"id":"${await publisher.publish(body, actorOf(request))}"}`, 201);
        const ids = await publisher.publishAll(body, actorOf(request));
        return jsonText(`{"items":[${ids.map((id) => `{"id":"${id}"}`).join(",")}]}`, 201);
      },
      {
        // Read and checked here: what Elysia does around it is a tenth of the work for an event.
        parse: "none",
        body: Type.Any({ anyOf: PublishEvents.anyOf }),
        detail: operation({
          id: "publishEvents",
          tag,
          summary: "Publish one custom event, or an array of them in one transaction",
          answers: { 201: json("The id of the event, or those of all of them in order", Type.Union([Published, AllPublished])) },
        }),
      },
    )
    .get(
      "/events",
      ({ request, server }) => {
        const params = streamParams(request, streamQuery);
        const answer = answerFor(request, params);
        if (answer === "history") return history(services, request, params);
        if (request.method === "HEAD")
          return answer === "poll" ? jsonText("") : new Response(null, { headers: streamHeaders[answer] });
        if (answer === "poll") return patiently(server, request, () => poll(services, request, params));
        return stream(services, request, params, answer, (seconds) => server?.timeout(request, seconds));
      },
      {
        detail: operation({
          id: "readEvents",
          tag,
          summary: "Follow the log (SSE, NDJSON, long poll), or read its history as JSON",
          description:
            "With `Accept: application/json` the answer is a page of the history; with `transport=poll` it is the next events, as soon as there are any. Otherwise it is a stream without end: it begins with `ConnectionOpened`, goes through what happened since the cursor, and then follows what happens, every event once and in order.",
          query: streamQuery,
          headers: streamHeaderFields,
          answers: {
            200: {
              description: "A stream, a page of the history, or what a long poll waited for",
              content: {
                "text/event-stream": Sse,
                "application/x-ndjson": Ndjson,
                "application/json": Type.Union([EventPage, EventPoll]),
              },
            },
          },
        }),
      },
    )
    .get(
      "/events/:id",
      ({ request, params }) => {
        const cursor = parseCursor(params.id);
        const event = cursor && log.get(cursor.seq);
        if (!event || (cursor.epoch !== undefined && event.id !== params.id)) throw notFound("event", params.id);
        if (!mayHave(gate.callerOf(request).hidden, event.name)) throw notFound("event", params.id);
        return jsonText(event.text);
      },
      {
        detail: operation({
          id: "getEvent",
          tag,
          summary: "Read one event",
          path: { id: "Id of the event" },
          answers: { 200: json("The event", Envelope) },
          errors: ["not_found"],
        }),
      },
    )
    .get("/event-types", () => jsonText(JSON.stringify({ items: describeEvents(), next_cursor: null })), {
      detail: operation({
        id: "listEventTypes",
        tag,
        summary: "Every event that matric itself emits, with its topics and the JSON Schema of its data",
        answers: { 200: json("The catalogue", Type.Object({ items: Type.Array(EventType), next_cursor: Type.Null() })) },
      }),
    })
    .get("/connections", () => jsonText(JSON.stringify({ items: services.connections.list(), next_cursor: null })), {
      detail: operation({
        id: "listConnections",
        tag,
        summary: "Who listens now",
        answers: { 200: json("All open streams", Type.Object({ items: Type.Array(ConnectionInfo), next_cursor: Type.Null() })) },
      }),
    });
}

function stream(
  services: Services,
  request: Request,
  params: URLSearchParams,
  transport: "sse" | "ndjson",
  idleTimeout: (seconds: number) => void,
): Response {
  const { config, clock, log, connections, gate, refusals, addressOf, systemQueueOf } = services;
  if (!services.isReady()) return closingStream(connections, transport);
  const principal = gate.callerOf(request);
  const address = addressOf(request);
  const limit = connections.fullFor(address);
  if (limit) {
    refusals.count(limit);
    return closingStream(connections, transport);
  }
  const filter = filterFor(principal, params);
  const start = startOf(request, params, log, clock.now());
  const batchMs = numberFrom(params, "batch_ms", 0, batchMsMax, 0);
  idleTimeout(0);
  return openStream(
    {
      ...services,
      holds: services.access.holds,
      heartbeatMs: config.sseHeartbeatSeconds * 1000,
      slowMs: config.slowSeconds * 1000,
    },
    {
      transport,
      filter,
      ...start,
      batchMs,
      principal,
      address,
      systemQueue: systemQueueOf(request),
      signal: request.signal,
      idleTimeout,
    },
  );
}

async function poll(services: Services, request: Request, params: URLSearchParams): Promise<Response> {
  const { config, clock, log, isReady, gate, polls } = services;
  if (!isReady()) throw draining();
  const principal = gate.callerOf(request);
  const { position } = startOf(request, params, log, clock.now());
  const timeoutMs = numberFrom(params, "wait_seconds", 0, config.pollSeconds, config.pollSeconds) * 1000;
  const query = {
    filter: filterFor(principal, params),
    position,
    limit: limitFrom(params, config.pageItemsMax),
    timeoutMs,
    batchMs: numberFrom(params, "batch_ms", 0, batchMsMax, 0),
  };
  const waited = await polls.run(principal, request, (signal) => waitForEvents(services, { ...query, signal }));
  return page(waited.events, waited.nextCursor, `,"gap":${JSON.stringify(waited.gap)}`);
}

async function history(services: Services, request: Request, params: URLSearchParams): Promise<Response> {
  const { config, log, clock, gate } = services;
  const { position } = startOf(request, params, log, clock.now(), log.oldest() - 1);
  const beforeText = params.get("before");
  const before = beforeText ? endBefore(log, beforeText, clock.now()) : undefined;
  const filter = filterFor(gate.callerOf(request), params);
  const query = { filter, after: position.seq, limit: limitFrom(params, config.pageItemsMax), signal: request.signal };
  const found = await readHistory(log, before === undefined ? query : { ...query, before });
  const { gap } = position;
  return page(found.events, found.isEnd ? null : log.idOf(found.position), gap && `,"gap":${JSON.stringify(gap)}`);
}

function filterFor({ hidden }: Principal, params: URLSearchParams): Filter {
  return withoutFamilies(filterFrom(params) ?? everything, hidden);
}

function limitFrom(params: URLSearchParams, itemsMax: number): number {
  refuseLargePage(Number(params.get("limit")), itemsMax);
  return numberFrom(params, "limit", 1, itemsMax, pageItemsDefault);
}

function page(events: readonly { text: string }[], nextCursor: string | null, more = ""): Response {
  return jsonText(
    `{"items":[${events.map((event) => event.text).join(",")}],"next_cursor":${JSON.stringify(nextCursor)}${more}}`,
  );
}
