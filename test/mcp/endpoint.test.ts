import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { silentLogger } from "../../src/logger.ts";
import { createInProcess, type InProcess } from "../../src/mcp/in-process.ts";
import { Notes } from "../../src/notes/engine.ts";
import { createEngines } from "../support/engines.ts";
import { settle } from "../support/manual-clock.ts";
import { contentBytesMax, user } from "../support/notes.ts";
import { openStorage, type Storage } from "../support/storage.ts";

let storage: Storage;
let notes: Notes;
let server: InProcess;

/** Another process on the same data. */
function start(sessionsMax = 3): InProcess {
  const limits = { waitersMax: 10, sessionsMax, readBody: (request: Request) => request.bytes(), onLimit() {} };
  const { clock } = storage;
  return createInProcess({ engines: createEngines(storage, clock), clock, logger: silentLogger, version: "0", ...limits });
}

beforeEach(() => {
  storage = openStorage();
  notes = new Notes({ ...storage, contentBytesMax });
  server = start();
});

afterEach(async () => {
  await server.endpoint.stop();
  storage.close();
});

interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
}

const usual = { "content-type": "application/json", accept: "application/json, text/event-stream" };

function send({ method = "POST", headers = {}, body, signal }: Sent): Promise<Response> {
  const text = typeof body === "string" ? body : body === undefined ? null : JSON.stringify(body);
  const request = new Request("http://127.0.0.1/mcp", {
    method,
    headers: { ...usual, ...headers },
    body: text,
    signal: signal ?? null,
  });
  return server.endpoint.handle(request);
}

const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params };
const listTools = { jsonrpc: "2.0", id: 2, method: "tools/list" };
const waitForEvents = { jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: "wait_for_events", arguments: {} } };

async function openSession(): Promise<string> {
  const response = await send({ body: initialize });
  await response.text();
  return response.headers.get("mcp-session-id") ?? "";
}

const inSession = (id: string, more: Record<string, string> = {}) => ({
  headers: { "mcp-session-id": id, "mcp-protocol-version": "2025-11-25", ...more },
});

describe("what is no message", () => {
  test("is refused before anything is made of it", async () => {
    const refused: [Sent, number][] = [
      [{ body: "{" }, 400],
      [{ body: "" }, 400],
      [{ body: "[]" }, 400],
      [{ body: '"hello"' }, 400],
      [{ body: { jsonrpc: "2.0", id: 1, method: "initialize" } }, 400],
      [{ body: listTools }, 400],
      [{ body: initialize, headers: { "content-type": "text/plain" } }, 415],
      [{ body: initialize, headers: { accept: "application/json" } }, 406],
      [{ method: "GET" }, 400],
      [{ method: "DELETE" }, 400],
      [{ method: "PUT", body: initialize }, 405],
    ];
    for (const [sent, status] of refused) {
      const response = await send(sent);
      expect([sent, response.status]).toEqual([sent, status]);
      expect(await response.json()).toMatchObject({
        jsonrpc: "2.0",
        error: { code: expect.any(Number), message: expect.any(String) },
      });
    }
    expect(server.endpoint.status()).toEqual({ sessions: 0, streams: 0 });
  });

  test("is refused as JSON-RPC with the code for it", async () => {
    expect(await (await send({ body: "{" })).json()).toMatchObject({ error: { code: -32700 } });
    const unknown = {
      ...listTools,
      params: {
        _meta: { "io.modelcontextprotocol/protocolVersion": "2099-01-01", "io.modelcontextprotocol/clientCapabilities": {} },
      },
    };
    const answer = await send({ body: unknown, headers: { "mcp-protocol-version": "2099-01-01", "mcp-method": "tools/list" } });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { id: 2, error: { code: -32022, data: { supported: ["2026-07-28"] } } },
    ]);
  });
});

describe("a session", () => {
  test("is opened by initialize, serves requests, and is gone when its client ends it", async () => {
    const id = await openSession();
    expect(id).toMatch(/^matric-[\da-f-]{36}$/);
    const answer = await send({ ...inSession(id), body: listTools });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(await answer.text()).toContain("wait_for_events");
    expect((await send({ ...inSession(id), method: "DELETE" })).status).toBe(200);
    expect(server.endpoint.status().sessions).toBe(0);
    expect((await send({ ...inSession(id), body: listTools })).status).toBe(404);
  });

  test("takes a batch, and refuses what is not as it should be", async () => {
    const id = await openSession();
    const ping = { jsonrpc: "2.0", id: 4, method: "ping" };
    const call = { ...waitForEvents, params: { name: "list_jobs" } };
    const batch = await send({ ...inSession(id), body: [ping, listTools, call] });
    const answers = [...(await batch.text()).matchAll(/^data: (\{.*)$/gm)].map(([, data = ""]) => JSON.parse(data).id);
    expect(answers.sort()).toEqual([2, 3, 4]);
    const refused: [Sent, number][] = [
      [{ ...inSession(id), body: Array.from({ length: 101 }, () => ping) }, 400],
      [{ ...inSession(id), body: [initialize] }, 400],
      [{ ...inSession(id, { "mcp-protocol-version": "1999-01-01" }), body: ping }, 400],
      [{ ...inSession(id, { accept: "application/json" }), body: ping }, 406],
      [{ ...inSession(id, { "last-event-id": "garbage" }), method: "GET" }, 400],
      [{ ...inSession(id, { accept: "application/json" }), method: "GET" }, 406],
    ];
    for (const [sent, status] of refused) expect([sent, (await send(sent)).status]).toEqual([sent, status]);
    expect((await send({ ...inSession(id), body: ping })).status).toBe(200);
  });

  test("that nobody has given out is not found", async () => {
    for (const id of ["x", "matric-1", `other-${crypto.randomUUID()}`]) {
      expect([id, (await send({ ...inSession(id), body: listTools })).status]).toEqual([id, 404]);
    }
  });

  test("goes on when the server has been started again, but for its stream of notifications", async () => {
    const id = await openSession();
    await server.endpoint.stop();
    server = start();
    expect((await send({ ...inSession(id), method: "GET" })).status).toBe(404);
    const answers = await Promise.all([1, 2, 3].map(() => send({ ...inSession(id), body: listTools })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.map(({ headers }) => headers.get("mcp-session-id"))).toEqual([id, id, id]);
    expect(server.endpoint.status().sessions).toBe(1);
    expect((await send({ ...inSession(id), method: "GET" })).status).toBe(200);
  });

  test("tells a client that comes back for an answer when the server has been started again that it is lost", async () => {
    const id = await openSession();
    const broken = await send({ ...inSession(id), body: waitForEvents });
    const reader = broken.body?.getReader();
    const lastEventId = /^id: (.*)$/m.exec(new TextDecoder().decode((await reader?.read())?.value))?.[1] ?? "";
    await server.endpoint.stop();
    server = start();
    const resumed = await send({ ...inSession(id, { "last-event-id": lastEventId }), method: "GET" });
    expect(resumed.status).toBe(200);
    expect(await resumed.text()).toContain('"id":3,"error":{"code":-32000,"message":"The answer is lost');
  });

  test("sends away a client that comes back for more after an answer, instead of answering again", async () => {
    const id = await openSession();
    const missing = { jsonrpc: "2.0", id: 5, method: "resources/read", params: { uri: "matric://nothing" } };
    for (const body of [listTools, missing]) {
      const text = await (await send({ ...inSession(id), body })).text();
      const lastEventId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? "";
      const resume = () => send({ ...inSession(id, { "last-event-id": lastEventId }), method: "GET" });
      expect((await resume()).status).toBe(405);
      await server.endpoint.stop();
      server = start();
      expect((await resume()).status).toBe(405);
    }
    const following = { "last-event-id": "a/1/." };
    expect((await send({ ...inSession("matric-1", following), method: "GET" })).status).toBe(404);
    expect((await send({ ...inSession(id), body: listTools })).status).toBe(200);
    expect((await send({ ...inSession(id), method: "DELETE" })).status).toBe(200);
    expect((await send({ ...inSession(id, following), method: "GET" })).status).toBe(404);
  });

  test("that nobody uses is closed, which its client does not notice", async () => {
    const id = await openSession();
    await storage.clock.advance(599_000);
    expect(server.endpoint.status().sessions).toBe(1);
    await storage.clock.advance(61_000);
    expect(server.endpoint.status().sessions).toBe(0);
    expect((await send({ ...inSession(id), body: listTools })).status).toBe(200);
  });

  test("with an open stream stays, until the stream has been closed for a while", async () => {
    const id = await openSession();
    const stream = await send({ ...inSession(id), method: "GET" });
    await storage.clock.advance(3_600_000);
    expect(server.endpoint.status().sessions).toBe(1);
    await stream.body?.cancel();
    await storage.clock.advance(660_000);
    expect(server.endpoint.status().sessions).toBe(0);
  });

  test("is not opened when there are too many, unless one has not been used for a minute", async () => {
    const ids = [await openSession(), await openSession(), await openSession()];
    const full = await send({ body: initialize });
    expect([full.status, full.headers.get("retry-after")]).toEqual([503, "5"]);
    await storage.clock.advance(30_000);
    await (await send({ ...inSession(ids[0] ?? ""), body: listTools })).text();
    await storage.clock.advance(31_000);
    expect((await send({ body: initialize })).status).toBe(200);
    expect(server.endpoint.status().sessions).toBe(3);
    expect((await send({ ...inSession(ids[0] ?? ""), method: "GET" })).status).toBe(200);
    expect((await send({ ...inSession(ids[1] ?? ""), method: "GET" })).status).toBe(404);
  });

  test("keeps an answer whose connection broke before it was sent", async () => {
    const id = await openSession();
    const abort = new AbortController();
    const broken = await send({ ...inSession(id), body: waitForEvents, signal: abort.signal });
    const reader = broken.body?.getReader();
    const priming = new TextDecoder().decode((await reader?.read())?.value);
    const lastEventId = /^id: (.*)$/m.exec(priming)?.[1] ?? "";
    expect(server.waiters.count).toBe(1);
    abort.abort();
    await reader?.cancel();
    await settle();
    // Nobody waits for it any more; and the answer, that nothing came, leads on from where it was.
    expect(server.waiters.count).toBe(0);
    await notes.create({ title: "One", content: "" }, user);
    const resumed = await send({ ...inSession(id, { "last-event-id": lastEventId }), method: "GET" });
    const answer = await resumed.text();
    expect(answer).toContain('"timed_out":true');
    const cursor = /"next_cursor":"([^"]+)"/.exec(answer)?.[1];
    const next = { ...waitForEvents, id: 4, params: { name: "wait_for_events", arguments: { after: cursor } } };
    expect(await (await send({ ...inSession(id), body: next })).text()).toContain('"NoteCreated"');
  });

  test("ends when the server stops", async () => {
    const id = await openSession();
    const stream = await send({ ...inSession(id), method: "GET" });
    await server.endpoint.stop();
    expect(await stream.text()).toBe("");
    server = start();
  });
});

describe("a subscription of the present revision", () => {
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
  const listen = {
    jsonrpc: "2.0",
    id: "l",
    method: "subscriptions/listen",
    params: { _meta: meta, notifications: { resourceSubscriptions: ["matric://queue", "matric://events"] } },
  };
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen" };

  test("is acknowledged, told of changes, and ended properly when the server stops", async () => {
    const stream = await send({ body: listen, headers });
    expect(server.endpoint.status()).toEqual({ sessions: 0, streams: 1 });
    await notes.create({ title: "One", content: "" }, user);
    await storage.clock.advance(100);
    await server.endpoint.stop();
    const frames = (await stream.text()).split("\n\n").filter((frame) => frame !== "");
    expect(frames.map((frame) => JSON.parse(frame.split("data: ")[1] ?? "null"))).toMatchObject([
      { method: "notifications/subscriptions/acknowledged" },
      { method: "notifications/resources/updated", params: { uri: "matric://events" } },
      { id: "l", result: { resultType: "complete" } },
    ]);
    server = start();
  });

  test("is cut off when its client takes nothing", async () => {
    const stream = await send({ body: listen, headers });
    const reader = stream.body?.getReader();
    await reader?.read();
    await storage.clock.advance(60_000);
    expect(server.endpoint.status().streams).toBe(0);
  });
});
