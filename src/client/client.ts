import { Api, type ApiOptions } from "./api.ts";
import { EventsApi } from "./events-api.ts";
import { JobsApi, QueueApi } from "./jobs-api.ts";
import { NotesApi } from "./notes-api.ts";
import { ServerApi } from "./server-api.ts";
import { SessionApi } from "./session-api.ts";
import { type OpenSocket, socketConnect } from "./socket-connection.ts";
import { sseConnect } from "./sse-connection.ts";
import { EventStream, type StreamOptions } from "./stream.ts";
import { TokensApi } from "./tokens-api.ts";
import { WebhooksApi } from "./webhooks-api.ts";

export interface ClientOptions extends ApiOptions {
  openSocket?: OpenSocket;
  /** Of the jitter between reconnects. */
  random?: () => number;
}

/** Everything a server offers, typed. Runs in Bun, Node and browsers. Every call rejects with a `ClientError`. */
export interface Client {
  /** The server's address as it may be shown. */
  readonly url: string;
  readonly notes: NotesApi;
  readonly jobs: JobsApi;
  readonly queue: QueueApi;
  readonly events: EventsApi;
  readonly tokens: TokensApi;
  readonly session: SessionApi;
  readonly webhooks: WebhooksApi;
  readonly server: ServerApi;
  stream(options?: ClientStreamOptions): EventStream;
}

export interface ClientStreamOptions extends StreamOptions {
  transport?: "sse" | "ws";
}

/** Speaks to nobody yet. Throws `invalid` when `url` is not an address. */
export function createClient(options: ClientOptions): Client {
  const api = new Api(options);
  const { clock } = api;
  return {
    url: api.base.shown,
    notes: new NotesApi(api),
    jobs: new JobsApi(api),
    queue: new QueueApi(api),
    events: new EventsApi(api),
    tokens: new TokensApi(api),
    session: new SessionApi(api),
    webhooks: new WebhooksApi(api),
    server: new ServerApi(api),
    stream({ transport = "sse", ...stream } = {}) {
      const connect = transport === "ws" ? socketConnect(api, options.openSocket) : sseConnect(api);
      return new EventStream(stream, options.random ? { connect, clock, random: options.random } : { connect, clock });
    },
  };
}
