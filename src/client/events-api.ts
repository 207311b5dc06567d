import { Type } from "@sinclair/typebox";
import { Envelope } from "../events/catalog.ts";
import { AllPublished, EventPage, EventPoll, Published } from "../events/contract.ts";
import { EventType } from "../events/describe.ts";
import type { Api } from "./api.ts";
import { segment } from "./base-url.ts";
import { type EventFilter, filterQuery } from "./filter-query.ts";
import type { PageQuery } from "./paging.ts";

export interface CustomEvent {
  /** PascalCase, and no name of matric's own. */
  event: string;
  data: Record<string, unknown>;
  subject?: string | undefined;
}

export interface HistoryRequest extends PageQuery {
  filter?: EventFilter;
  /** An event id, a time, how long ago (`10m`), `earliest` or `latest`: events after it. */
  after?: string | undefined;
  /** Another word for `after`. */
  since?: string | undefined;
  before?: string | undefined;
}

export interface PollRequest {
  filter?: EventFilter | undefined;
  /** An event id, a time, how long ago (`10m`), `earliest` or `latest`: events after it. */
  since: string;
  limit?: number | undefined;
  /** How long to wait for the first event; as long as the server sees fit, if not given. */
  waitSeconds?: number | undefined;
  /** After the first event, how long to collect more. */
  batchMs?: number | undefined;
}

/** No server waits longer. */
const pollTimeoutMs = 310_000;

const events = "api/v1/events";
const EventTypes = Type.Object({ items: Type.Array(EventType) });

/** The log: publishing to it, and reading what it holds. `client.stream` follows it. */
export class EventsApi {
  constructor(private readonly api: Api) {}

  /** Resolves to the event's id when it is stored. */
  async publish(event: CustomEvent, signal?: AbortSignal): Promise<string> {
    return (await this.api.json("POST", events, Published, { body: event, signal })).id;
  }

  /** All of them or none; the ids are in the same order. */
  async publishAll(batch: readonly CustomEvent[], signal?: AbortSignal): Promise<string[]> {
    return (await this.api.json("POST", events, AllPublished, { body: batch, signal })).items.map(({ id }) => id);
  }

  /** One page of history, oldest first. */
  list({ filter, ...place }: HistoryRequest = {}, signal?: AbortSignal): Promise<EventPage> {
    return this.api.json("GET", events, EventPage, { query: { ...filterQuery(filter), ...place }, signal });
  }

  /** The next events after a position: at once if there are any, else as soon as one comes, or none in time. */
  poll({ filter, since, limit, waitSeconds, batchMs }: PollRequest, signal?: AbortSignal): Promise<EventPoll> {
    const query = { ...filterQuery(filter), transport: "poll", since, limit, wait_seconds: waitSeconds, batch_ms: batchMs };
    return this.api.json("GET", events, EventPoll, { query, signal, timeoutMs: pollTimeoutMs });
  }

  get(id: string, signal?: AbortSignal): Promise<Envelope> {
    return this.api.json("GET", `${events}/${segment(id)}`, Envelope, { signal });
  }

  /** The catalogue: every event with its topics and the JSON Schema of its data. */
  async types(signal?: AbortSignal): Promise<EventType[]> {
    return (await this.api.json("GET", "api/v1/event-types", EventTypes, { signal })).items;
  }
}
