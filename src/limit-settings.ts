import { decimal, integer, setting } from "./setting.ts";

/** Everything that could be exhausted, each with its bound. */
export const limitSettings = {
  connectionsMax: setting({
    env: "MATRIC_CONNECTIONS_MAX",
    default: 10_000,
    help: "streams open at once",
    parse: integer(1, 1_000_000),
  }),
  addressConnectionsMax: setting({
    env: "MATRIC_CONNECTIONS_PER_ADDRESS_MAX",
    default: undefined as number | undefined,
    defaultText: "1000; as many as in all where addresses tell nobody apart",
    help: "streams open at once from one address",
    parse: integer(1, 1_000_000),
  }),
  tokenRequestsMax: setting({
    env: "MATRIC_TOKEN_REQUESTS_PER_SECOND",
    default: 5000,
    help: "requests and messages on WebSockets per second with one token; 0 for no limit",
    parse: integer(0, 1_000_000),
  }),
  addressRequestsMax: setting({
    env: "MATRIC_ADDRESS_REQUESTS_PER_SECOND",
    default: undefined as number | undefined,
    defaultText: "10000; no limit where addresses tell nobody apart",
    help: "requests and messages on WebSockets per second from one address; 0 for no limit",
    parse: integer(0, 1_000_000),
  }),
  pollsMax: setting({
    env: "MATRIC_POLLS_MAX",
    default: 2000,
    help: "long polls and claims of jobs that wait at once",
    parse: integer(1, 1_000_000),
  }),
  pageItemsMax: setting({
    env: "MATRIC_PAGE_ITEMS_MAX",
    default: 500,
    help: "items in one page of a list or of the history; no fewer than the 500 that every client may ask for",
    parse: integer(500, 10_000),
  }),
  tokensMax: setting({
    env: "MATRIC_TOKENS_MAX",
    default: 1000,
    help: "access tokens that are neither revoked nor expired",
    parse: integer(1, 100_000),
  }),
  ticketsMax: setting({
    env: "MATRIC_TICKETS_MAX",
    default: 10_000,
    help: "tickets for streams that wait to be used",
    parse: integer(1, 1_000_000),
  }),
  webhooksMax: setting({
    env: "MATRIC_WEBHOOKS_MAX",
    default: 1000,
    help: "webhooks that can be registered",
    parse: integer(0, 100_000),
  }),
  jobsWaitingMax: setting({
    env: "MATRIC_JOBS_WAITING_MAX",
    default: 100_000,
    help: "jobs that wait for a worker",
    parse: integer(1, 10_000_000),
  }),
  mcpWaitersMax: setting({
    env: "MATRIC_MCP_WAITERS_MAX",
    default: 2000,
    help: "calls of agents that wait for events at once",
    parse: integer(1, 1_000_000),
  }),
  mcpSessionsMax: setting({
    env: "MATRIC_MCP_SESSIONS_MAX",
    default: 1000,
    help: "sessions of agents open at once, and as many subscription streams",
    parse: integer(1, 1_000_000),
  }),
  headerBytesMax: setting({
    env: "MATRIC_HEADER_BYTES_MAX",
    default: 16 * 1024,
    help: "size of the first line and the headers of a request",
    parse: integer(1024, 1024 * 1024),
  }),
  bodyBytesMax: setting({
    env: "MATRIC_BODY_BYTES_MAX",
    default: 1024 * 1024,
    help: "size of a request body",
    parse: integer(1024, 64 * 1024 * 1024),
  }),
  bodySeconds: setting({
    env: "MATRIC_BODY_SECONDS",
    default: 30,
    help: "how long the body of a request may take to arrive",
    parse: decimal(0.1, 3600),
  }),
  wsMessageBytesMax: setting({
    env: "MATRIC_WS_MESSAGE_BYTES_MAX",
    default: 64 * 1024,
    help: "size of a message that a WebSocket client sends",
    parse: integer(256, 16 * 1024 * 1024),
  }),
  subscriptionsMax: setting({
    env: "MATRIC_SUBSCRIPTIONS_MAX",
    default: 256,
    help: "subscriptions of one WebSocket",
    parse: integer(1, 10_000),
  }),
};
