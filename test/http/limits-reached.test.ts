import { expect, test } from "bun:test";
import type { Config } from "../../src/config.ts";
import { type LimitName, limitNames } from "../../src/errors.ts";
import { bearer, startAuthApp, TestSocket } from "../support/auth.ts";
import { eventually } from "../support/eventually.ts";
import { TcpClient } from "../support/tcp-client.ts";

type Server = Awaited<ReturnType<typeof startAuthApp>>;

interface Attack {
  limits: Partial<Config>;
  /** Reaches the limit; resolves with what the last client was told. */
  run(server: Server): Promise<unknown>;
  told: unknown;
}

const json = { "content-type": "application/json", accept: "application/json, text/event-stream" };

async function ask({ app, admin }: Server, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await app.fetch(path, {
    method,
    headers: { ...json, ...bearer(admin), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  const { limit, error } = text.startsWith("{") ? JSON.parse(text) : { limit: undefined, error: undefined };
  return { status: response.status, limit: limit ?? error?.message, retryAfter: response.headers.get("retry-after") };
}

async function open({ app, admin }: Server, query = ""): Promise<TestSocket> {
  const socket = new TestSocket(`${app.url}/api/v1/ws${query}`, bearer(admin));
  await socket.message(({ event }) => event === "ConnectionOpened");
  return socket;
}

async function upgrade(server: Server) {
  const headers = {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": btoa("x".repeat(16)),
  };
  return ask(server, "GET", "/api/v1/ws", undefined, headers);
}

async function repeat<Result>(count: number, what: () => Promise<Result>): Promise<Result> {
  for (let done = 1; done < count; done++) await what();
  return what();
}

/** The last answers of many requests made in the same moment. */
async function rush(server: Server, count: number) {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(server, "GET", "/api/v1/queue")));
  return answers.find(({ status }) => status !== 200);
}

const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "0" } },
};

/** How each limit is reached: one that is new must be attacked, too. */
const attacks: Record<LimitName, Attack> = {
  connections: {
    limits: { connectionsMax: 1 },
    async run(server) {
      await open(server);
      return upgrade(server);
    },
    told: { status: 503, limit: "connections", retryAfter: "5" },
  },
  connections_per_address: {
    limits: { addressConnectionsMax: 1 },
    async run(server) {
      await open(server);
      return upgrade(server);
    },
    told: { status: 503, limit: "connections_per_address", retryAfter: "5" },
  },
  requests_per_token: {
    limits: { tokenRequestsMax: 20 },
    run: (server) => rush(server, 60),
    told: { status: 429, limit: "requests_per_token", retryAfter: "1" },
  },
  requests_per_address: {
    limits: { addressRequestsMax: 20 },
    run: (server) => rush(server, 60),
    told: { status: 429, limit: "requests_per_address", retryAfter: "1" },
  },
  polls: {
    limits: { pollsMax: 1 },
    async run(server) {
      const poll = "/api/v1/events?transport=poll&events=Never";
      ask(server, "GET", poll).catch(() => {});
      let last = await ask(server, "GET", `${poll}&wait_seconds=0`);
      await eventually(async () => {
        last = await ask(server, "GET", `${poll}&wait_seconds=0`);
        return last.status !== 200;
      });
      return last;
    },
    told: { status: 503, limit: "polls", retryAfter: "5" },
  },
  page_items: {
    limits: { pageItemsMax: 600 },
    async run(server) {
      const items = (count: number, list: string) =>
        ask(server, "GET", `/api/v1/${list}limit=${count}`, undefined, { accept: "application/json" });
      for (const list of ["notes?", "jobs?", "webhooks?", "tokens?", "events?", "events?transport=poll&wait_seconds=0&"]) {
        expect(await items(600, list)).toMatchObject({ status: 200 });
        expect(await items(601, list)).toMatchObject({ status: 422, limit: "page_items" });
      }
      return items(601, "notes?");
    },
    told: { status: 422, limit: "page_items", retryAfter: null },
  },
  header_bytes: {
    limits: { headerBytesMax: 2048 },
    async run(server) {
      const inAddress = await ask(server, "GET", `/api/v1/notes?q=${"x".repeat(3000)}`);
      expect(inAddress).toEqual({ status: 431, limit: "header_bytes", retryAfter: null });
      return ask(server, "GET", "/health", undefined, { "x-long": "x".repeat(3000) });
    },
    told: { status: 431, limit: "header_bytes", retryAfter: null },
  },
  slow_bodies: {
    limits: { bodySeconds: 0.1 },
    async run({ app, admin }) {
      const client = await TcpClient.open(app.url);
      const type = `Content-Type: application/json\r\nAuthorization: Bearer ${admin}`;
      client.send(`POST /api/v1/notes HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 9\r\n\r\n{`);
      await eventually(() => client.isClosed);
      return client.text.slice(0, 12);
    },
    told: "HTTP/1.1 408",
  },
  body_bytes: {
    limits: { bodyBytesMax: 1024 },
    async run(server) {
      const agent = await ask(server, "POST", "/mcp", { ...initialize, more: "x".repeat(2000) });
      expect(agent).toMatchObject({ status: 413, limit: "The body is larger than 1024 bytes." });
      return ask(server, "POST", "/api/v1/notes", { title: "x", content: "x".repeat(2000) });
    },
    told: { status: 413, limit: "body_bytes", retryAfter: null },
  },
  message_bytes: {
    limits: { wsMessageBytesMax: 300 },
    async run(server) {
      const socket = await open(server);
      socket.send({ op: "ping", ref: "x".repeat(400) });
      return socket.closed;
    },
    told: { code: 1009, reason: "a message is larger than 300 bytes" },
  },
  subscriptions: {
    limits: { subscriptionsMax: 2 },
    async run(server) {
      const socket = await open(server, "?events=First");
      for (const name of ["Second", "Third"]) socket.send({ op: "subscribe", events: [name], ref: name });
      return socket.message(({ ref }) => ref === "Third");
    },
    told: {
      op: "error",
      ref: "Third",
      code: "rate_limited",
      detail: expect.stringContaining("at most 2 subscriptions"),
      limit: "subscriptions",
    },
  },
  jobs_waiting: {
    limits: { jobsWaitingMax: 2, jobTypes: ["resize"] },
    run: (server) => repeat(3, () => ask(server, "POST", "/api/v1/jobs", { type: "resize" })),
    told: { status: 503, limit: "jobs_waiting", retryAfter: "10" },
  },
  tokens: {
    limits: { tokensMax: 3 },
    run: (server) => repeat(3, () => ask(server, "POST", "/api/v1/tokens", { name: "one", scopes: ["notes:read"] })),
    told: { status: 429, limit: "tokens", retryAfter: "60" },
  },
  tickets: {
    limits: { ticketsMax: 2 },
    run: (server) => repeat(3, () => ask(server, "POST", "/api/v1/events/tickets")),
    told: { status: 429, limit: "tickets", retryAfter: "30" },
  },
  webhooks: {
    limits: { webhooksMax: 1, webhookAllow: ["127.0.0.1"] },
    run: (server) => repeat(2, () => ask(server, "POST", "/api/v1/webhooks", { url: "http://127.0.0.1:9/", events: ["*"] })),
    told: { status: 429, limit: "webhooks", retryAfter: "60" },
  },
  mcp_sessions: {
    limits: { mcpSessionsMax: 1 },
    run: (server) => repeat(2, () => ask(server, "POST", "/mcp", initialize)),
    told: { status: 503, limit: "The server has 1 sessions already; try again later.", retryAfter: "5" },
  },
  mcp_waiters: {
    limits: { mcpWaitersMax: 1 },
    async run(server) {
      const { app, admin } = server;
      const meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "test", version: "0" },
        "io.modelcontextprotocol/clientCapabilities": {},
      };
      const wait = async (timeout_ms: number) => {
        const name = "wait_for_events";
        const params = { name, arguments: { events: ["Never"], timeout_ms }, _meta: meta };
        const response = await app.fetch("/mcp", {
          method: "POST",
          headers: {
            ...json,
            ...bearer(admin),
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": name,
          },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
        });
        return response.text();
      };
      wait(20_000).catch(() => {});
      let last = "";
      await eventually(async () => {
        last = await wait(0);
        return last.includes("overloaded");
      });
      return last;
    },
    told: expect.stringContaining("overloaded: The server has 1 calls that wait already"),
  },
};

test.each([...limitNames])("the limit of %s has a setting, a clear answer, and is counted", async (name) => {
  const { limits, run, told } = attacks[name];
  const server = await startAuthApp(limits);
  try {
    expect(await run(server)).toEqual(told);
    // The administrator sees it, once there is room again.
    const counted = async () => {
      const response = await server.app.fetch("/metrics", { headers: bearer(server.admin) });
      return Number(
        new RegExp(`^matric_limit_refusals_total\\{limit="${name}"\\} (\\d+)$`, "m").exec(await response.text())?.[1],
      );
    };
    await eventually(async () => (await counted()) > 0);
  } finally {
    await server.app.stop();
  }
});

test("headers that are too large are refused by their size, on their own connection alone", async () => {
  const { app } = await startAuthApp({ headerBytesMax: 4096 });
  try {
    const answerTo = async (bytes: number) => {
      const client = await TcpClient.open(app.url);
      client.send(`GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: ${"x".repeat(bytes)}\r\n\r\n`);
      await eventually(() => client.isClosed);
      return client.text;
    };
    expect(await answerTo(3900)).toStartWith("HTTP/1.1 200");
    const refused = await answerTo(4100);
    expect(refused).toStartWith("HTTP/1.1 431");
    expect(refused).toContain('"code":"headers_too_large"');
    // Not worth reading to the end: Bun says no itself.
    expect(await answerTo(500_000)).toStartWith("HTTP/1.1 431");
    expect(await answerTo(3900)).toStartWith("HTTP/1.1 200");
  } finally {
    await app.stop();
  }
});

test("a stream that finds no room gives its connection back", async () => {
  const { app, admin } = await startAuthApp({ connectionsMax: 1 });
  try {
    await open({ app, admin } as Server);
    const client = await TcpClient.open(app.url);
    client.send(`GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${admin}\r\n\r\n`);
    await eventually(() => client.isClosed);
    expect(client.text).toContain('"reason":"draining"');
  } finally {
    await app.stop();
  }
});
