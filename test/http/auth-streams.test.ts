import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { EventPage, EventPoll } from "../../src/events/contract.ts";
import { Problem } from "../../src/http/problem.ts";
import { Note } from "../../src/notes/contract.ts";
import { type AuthApp, bearer, startAuthApp, TestSocket } from "../support/auth.ts";
import { eventually } from "../support/eventually.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { TcpClient } from "../support/tcp-client.ts";

let server: AuthApp;
let url: string;

beforeAll(async () => {
  server = await startAuthApp();
  url = server.app.url;
});
afterAll(() => server.app.stop());

const api = "/api/v1";
const inAMinute = () => new Date(server.clock.now() + 60_000).toISOString();
const named = (event: string) => (message: Record<string, unknown>) => message.event === event;

/** One event of each family: of notes, of the queue, and one that somebody published. */
async function makeEvents(): Promise<void> {
  const headers = bearer(server.admin);
  await server.app.call(Note, "POST", "/notes", { body: { title: "Sea", content: "deep" }, headers });
  for (const path of ["/queue/pause", "/queue/resume"]) await server.app.fetch(`${api}${path}`, { method: "POST", headers });
  const body = JSON.stringify({ event: "ThingDone", data: {} });
  await server.app.fetch(`${api}/events`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
}

const names = (items: readonly { event: string }[]) => [...new Set(items.map(({ event }) => event))].sort();

describe("a reader gets only what its scopes let it read", () => {
  const cases: [scopes: Parameters<AuthApp["make"]>[0], events: string[]][] = [
    [["events:read"], ["ThingDone"]],
    [
      ["events:read", "notes:read"],
      ["NoteCreated", "ThingDone"],
    ],
    [
      ["events:read", "jobs:read"],
      ["QueuePaused", "QueueResumed", "ThingDone"],
    ],
    [["admin"], ["NoteCreated", "QueuePaused", "QueueResumed", "ThingDone"]],
  ];

  test.each(cases)("%p", async (scopes, expected) => {
    const { token } = await server.make(scopes);
    const headers = bearer(token);
    const head = (await server.app.call(EventPoll, "GET", "/events?transport=poll&wait_seconds=0", { headers })).body.next_cursor;
    const socket = new TestSocket(`${url}${api}/ws`, headers);
    const asked = new TestSocket(`${url}${api}/ws?events=Note*,Queue*,ThingDone`, headers);
    const stream = await server.app.fetch(`${api}/events`, { headers });
    const lines = await server.app.fetch(`${api}/events`, { headers: { ...headers, accept: "application/x-ndjson" } });
    await Promise.all([socket.message(named("ConnectionOpened")), asked.message(named("ConnectionOpened"))]);
    await makeEvents();
    const last = expected.at(-1) ?? "";
    await Promise.all([socket.message(named(last)), asked.message(named(last))]);
    const inLog = (messages: Record<string, unknown>[]) =>
      names(messages.filter(({ id }) => id !== undefined).map(({ event }) => ({ event: String(event) })));
    expect(inLog(socket.messages)).toEqual(expected);
    expect(inLog(asked.messages)).toEqual(expected);
    expect(socket.messages.some(named("QueueStatus"))).toBe(scopes.includes("jobs:read") || scopes.includes("admin"));
    for (const one of [socket, asked]) one.close();
    for (const response of [stream, lines]) {
      const text = await readUntil(response, "ThingDone");
      const seen = ["NoteCreated", "QueuePaused", "QueueResumed", "ThingDone"].filter((name) => text.includes(`"${name}"`));
      expect(seen).toEqual(expected);
    }
    const poll = await server.app.call(EventPoll, "GET", `/events?transport=poll&since=${head}`, { headers });
    expect(names(poll.body.items)).toEqual(expected);
    const page = await server.app.call(EventPage, "GET", `/events?after=${head}`, {
      headers: { ...headers, accept: "application/json" },
    });
    expect(names(page.body.items)).toEqual(expected);
    const all = await server.app.call(EventPage, "GET", `/events?after=${head}`, {
      headers: { ...bearer(server.admin), accept: "application/json" },
    });
    for (const { id, event } of all.body.items) {
      const { status } = await server.app.fetch(`${api}/events/${id}`, { headers });
      expect([event, status]).toEqual([event, expected.includes(event) ? 200 : 404]);
    }
  });

  test("over a WebSocket a filter that is added later, and a refresh, too", async () => {
    const { token } = await server.make(["events:read"]);
    const socket = new TestSocket(`${url}${api}/ws?events=Never`, bearer(token));
    await socket.message(named("ConnectionOpened"));
    for (const topics of [["notes"], ["queue"], []]) socket.send({ op: "subscribe", topics, since: "earliest" });
    socket.send({ op: "ping", ref: "done" });
    await socket.message(({ ref }) => ref === "done");
    await makeEvents();
    await socket.message(named("ThingDone"));
    expect(socket.messages.filter((one) => /^(Note|Queue)/.test(String(one.event)))).toEqual([]);
    socket.close();
  });
});

describe("when a token is revoked, what is open in its name ends within a second", () => {
  test("SSE, NDJSON and WebSocket are told", async () => {
    const { id, token } = await server.make(["events:read"]);
    const other = await server.make(["events:read"]);
    const headers = bearer(token);
    const stream = await server.app.fetch(`${api}/events`, { headers });
    const lines = await server.app.fetch(`${api}/events`, { headers: { ...headers, accept: "application/x-ndjson" } });
    const socket = new TestSocket(`${url}${api}/ws`, headers);
    const unhurt = new TestSocket(`${url}${api}/ws`, bearer(other.token));
    await Promise.all([socket.message(named("ConnectionOpened")), unhurt.message(named("ConnectionOpened"))]);
    const startedMs = performance.now();
    await server.revoke(id);
    expect(await stream.text()).toContain('"reason":"revoked"');
    expect(await lines.text()).toContain('"reason":"revoked"');
    expect(await socket.closed).toEqual({ code: 4009, reason: "revoked" });
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(socket.messages.at(-1)).toMatchObject({ event: "StreamClosing", data: { reason: "revoked" } });
    unhurt.send({ op: "ping", ref: 1 });
    expect(await unhurt.message(({ op }) => op === "pong")).toEqual({ op: "pong", ref: 1 });
    unhurt.close();
  });

  test("also when they were closed for being too slow, and something of them is still on its way", async () => {
    const { app, admin, make, revoke } = await startAuthApp({ slowSeconds: 0.2 });
    try {
      const { id, token } = await make(["events:read"]);
      const ticket = (
        await app.call(Type.Object({ ticket: Type.String() }), "POST", "/events/tickets", { headers: bearer(token) })
      ).body.ticket;
      const socket = await RawSocket.open(app.url, `?ticket=${ticket}`);
      const stream = await TcpClient.open(app.url);
      stream.send(`GET ${api}/events HTTP/1.1\r\nHost: ${new URL(app.url).host}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      await eventually(() => socket.messages().length > 0 && stream.text.includes("ConnectionOpened"));
      socket.stopReading();
      stream.stopReading();
      const data = { text: "x".repeat(60_000) };
      const body = Array.from({ length: 15 }, () => ({ event: "BigHappened", data }));
      for (let sent = 0; sent < 20; sent++) {
        await app.call(Type.Unknown(), "POST", "/events", { body, headers: bearer(admin) });
      }
      const open = Type.Object({ items: Type.Array(Type.Unknown()) });
      const isListed = async () =>
        (await app.call(open, "GET", "/connections", { headers: bearer(admin) })).body.items.length > 0;
      await eventually(async () => !(await isListed()));
      await revoke(id);
      socket.read();
      stream.read();
      await eventually(() => socket.isClosed && stream.isClosed);
      expect(socket.closeCode()).toBeUndefined();
      expect(stream.text).not.toContain("StreamClosing");
    } finally {
      await app.stop();
    }
  }, 30_000);

  test("a long poll and a claim are refused", async () => {
    const { id, token } = await server.make(["events:read", "jobs:write"]);
    const headers = bearer(token);
    const poll = server.app.call(Problem, "GET", "/events?transport=poll&events=Never", { headers });
    // Later than the poll, which has begun when this is answered.
    await server.app.fetch("/health");
    await server.revoke(id);
    expect(await poll).toMatchObject({ status: 401, body: { code: "unauthorized", detail: "The access token was revoked." } });
  });

  test("an agent's stream", async () => {
    const { id, token } = await server.make(["events:read", "notes:read", "jobs:read"]);
    const headers = { ...bearer(token), "content-type": "application/json", accept: "application/json, text/event-stream" };
    const call = (message: object, more: Record<string, string> = {}) =>
      server.app.fetch("/mcp", {
        method: "POST",
        headers: { ...headers, ...more },
        body: JSON.stringify({ jsonrpc: "2.0", ...message }),
      });
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "0" } };
    const opened = await call({ id: 1, method: "initialize", params });
    const session = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
    await opened.text();
    const waiting = call(
      { id: 2, method: "tools/call", params: { name: "wait_for_events", arguments: { events: ["Never"] } } },
      session,
    );
    await (await call({ id: 3, method: "tools/list" }, session)).text();
    const ended = waiting
      .then((response) => response.text())
      .then(
        (text) => text,
        () => "cut off",
      );
    await server.revoke(id);
    expect(await ended).not.toContain("Never");
    expect((await call({ id: 4, method: "tools/list" }, session)).status).toBe(401);
  });

  test("what tells an agent of changes, in either revision of the protocol", async () => {
    const { id, token } = await server.make(["events:read", "notes:read", "jobs:read"]);
    const usual = { ...bearer(token), "content-type": "application/json", accept: "application/json, text/event-stream" };
    const post = (message: object, more: Record<string, string> = {}) =>
      server.app.fetch("/mcp", {
        method: "POST",
        headers: { ...usual, ...more },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...message }),
      });
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "0" } };
    const opened = await post({ method: "initialize", params });
    await opened.text();
    const session = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
    // By hand: it has no first byte that a client could wait for.
    const notifications = await TcpClient.open(url);
    const lines = Object.entries({ host: "localhost", ...usual, ...session }).map(([name, value]) => `${name}: ${value}\r\n`);
    notifications.send(`GET /mcp HTTP/1.1\r\n${lines.join("")}\r\n`);
    await eventually(() => notifications.text.startsWith("HTTP/1.1 200 "));
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "0" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const listening = await post(
      { method: "subscriptions/listen", params: { notifications: { resourceSubscriptions: ["matric://events"] }, _meta: meta } },
      { "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen" },
    );
    expect([listening.status, listening.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const ended = listening.text().catch(() => "cut off");
    const startedMs = performance.now();
    await server.revoke(id);
    await ended;
    await eventually(() => notifications.isClosed, 1000);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});

test("when a token expires its streams end, and a WebSocket is warned before", async () => {
  const { token } = await server.make(["events:read"], inAMinute());
  const stream = await server.app.fetch(`${api}/events`, { headers: bearer(token) });
  const socket = new TestSocket(`${url}${api}/ws`, bearer(token));
  const opened = await socket.message(named("ConnectionOpened"));
  expect(opened).toMatchObject({ data: { expires_at: expect.any(String) } });
  await socket.message(({ op }) => op === "auth_expiring");
  server.clock.skip(61_000);
  expect(await socket.closed).toEqual({ code: 4009, reason: "expired" });
  expect(await stream.text()).toContain('"reason":"expired"');
});

describe("a WebSocket without a token", () => {
  test("is told nothing until its first message has shown one", async () => {
    const { token } = await server.make(["events:read"]);
    const socket = new TestSocket(`${url}${api}/ws`);
    expect(await socket.opened).toBe(true);
    socket.send({ op: "subscribe", topics: ["notes"], ref: 1 });
    expect(await socket.message(({ op }) => op === "error")).toMatchObject({ code: "unauthorized", ref: 1 });
    expect(socket.messages).toHaveLength(1);
    socket.sendText("refresh");
    await eventually(() => socket.messages.length === 2);
    expect(socket.messages[1]).toMatchObject({ op: "error", code: "unauthorized" });
    socket.send({ op: "auth", token, ref: 2 });
    await socket.message(named("ConnectionOpened"));
    expect(socket.messages[2]).toEqual({ op: "auth", ref: 2 });
    socket.close();
  });

  test("is closed with 1008 after three tokens that are none", async () => {
    const socket = new TestSocket(`${url}${api}/ws`);
    expect(await socket.opened).toBe(true);
    for (let count = 0; count < 3; count++) socket.send({ op: "auth", token: "mtr_wrong" });
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expect(JSON.stringify(socket.messages)).not.toContain("mtr_wrong");
  });

  test("is refused before the upgrade when what it shows is wrong", async () => {
    const { token } = await server.make(["notes:read"]);
    for (const headers of [bearer("mtr_wrong"), bearer(token), { cookie: "matric_token=mtr_wrong" }]) {
      expect(await new TestSocket(`${url}${api}/ws`, headers).opened).toBe(false);
    }
  });

  test("cannot go on with a token that may not read, and keeps what it has", async () => {
    const reader = await server.make(["events:read", "notes:read"]);
    const writer = await server.make(["notes:write"]);
    const socket = new TestSocket(`${url}${api}/ws`, bearer(reader.token));
    await socket.message(named("ConnectionOpened"));
    socket.send({ op: "auth", token: writer.token, ref: 1 });
    expect(await socket.message(({ ref }) => ref === 1)).toMatchObject({ op: "error", code: "forbidden" });
    const narrow = await server.make(["events:read"]);
    socket.send({ op: "auth", token: narrow.token, ref: 2 });
    expect(await socket.message(({ ref }) => ref === 2)).toEqual({ op: "auth", ref: 2 });
    await makeEvents();
    await socket.message(named("ThingDone"));
    expect(socket.messages.filter(named("NoteCreated"))).toEqual([]);
    // The one before has no say any more.
    await server.revoke(reader.id);
    socket.send({ op: "ping", ref: 3 });
    await socket.message(({ ref }) => ref === 3);
    await server.revoke(narrow.id);
    expect(await socket.closed).toMatchObject({ code: 4009 });
  });
});

async function readUntil(response: Response, end: string): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (reader && !text.includes(end)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  return text;
}
