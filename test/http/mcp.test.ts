import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient } from "../../src/client/client.ts";
import { eventually } from "../support/eventually.ts";
import { type Agent, connectAgent, type Revision, revisions } from "../support/mcp.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { TcpClient } from "../support/tcp-client.ts";

let app: TestApp;

beforeEach(async () => {
  app = await startApp();
});

afterEach(() => app.stop());

const usual = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const listTools = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
const post = (body: string, headers: Record<string, string> = {}) =>
  app.fetch("/mcp", { method: "POST", headers: { ...usual, ...headers }, body });

test("a page of somebody else's cannot speak to the agents' endpoint, nor can a name that leads here by deceit", async () => {
  const { host } = new URL(app.url);
  expect((await post(listTools, { origin: "https://evil.example" })).status).toBe(403);
  expect((await post(listTools, { origin: "null" })).status).toBe(403);
  expect((await post(listTools, { host: `evil.example:${host.split(":")[1]}` })).status).toBe(403);
  expect((await post(listTools, { origin: `http://${host}` })).status).toBe(400);
  expect((await post(listTools)).status).toBe(400);
});

test("a message of 10 MiB is refused, and the server lives on", async () => {
  const args = { title: "Long", content: "x".repeat(10 * 1024 * 1024) };
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "create_note", arguments: args } };
  const refused = await post(JSON.stringify(call));
  expect([refused.status, await refused.json()]).toMatchObject([
    413,
    { error: { message: expect.stringContaining("larger than") } },
  ]);
  const agent = await connectAgent(`${app.url}/mcp`, "2025-11-25");
  expect(agent.call("create_note", args)).rejects.toThrow();
  await agent.call("create_note", args).catch(() => {});
  expect(await agent.call("create_note", { title: "Short", content: "x" })).toMatchObject({ title: "Short" });
  await agent.close();
});

describe.each(revisions)("an agent that speaks %s", (revision) => {
  let agent: Agent;

  beforeEach(async () => {
    agent = await connectAgent(`${app.url}/mcp`, revision);
  });

  afterEach(() => agent.close());

  test("follows the log over the network", async () => {
    const client = createClient({ url: app.url });
    const { next_cursor } = await agent.call("wait_for_events", { timeout_ms: 0 });
    const waiting = agent.call("wait_for_events", { after: next_cursor, timeout_ms: 5000 });
    const id = await client.events.publish({ event: "ThingHappened", data: {} });
    expect(await waiting).toMatchObject({ events: [{ id }] });
  });

  test("is told of the end of a job that it had queued, also when the job was faster than its next call", async () => {
    const { id } = await agent.call("create_note", { title: "Plan", content: "a  \n\n\n\nb" });
    const job = await agent.call<{ id: string; created_at: string }>("revise_note", { id });
    await eventually(async () => (await agent.call("get_job", { id: job.id })).status === "completed");
    // As the tool tells.
    const end = { job_id: job.id, after: job.created_at, events: ["JobCompleted", "JobFailed", "JobCancelled"] };
    expect(await agent.call("wait_for_events", end)).toMatchObject({
      events: [{ event: "JobCompleted", data: { job_id: job.id } }],
    });
  });

  test("is seen by those who watch the server", async () => {
    const held = async () => {
      const text = await (await app.fetch("/metrics")).text();
      return [...text.matchAll(/^matric_agents\{kind="(\w+)"\} (\d+)$/gm)].map(([, kind, count]) => `${kind} ${count}`);
    };
    const sessions = revision === "2025-11-25" ? "sessions 1" : "sessions 0";
    const abort = new AbortController();
    const waiting = agent.call("wait_for_events", { timeout_ms: 50_000 }, abort.signal).catch(() => {});
    await eventually(async () => Bun.deepEquals(await held(), [sessions, "streams 0", "waiters 1"]));
    abort.abort();
    await waiting;
    await eventually(async () => Bun.deepEquals(await held(), [sessions, "streams 0", "waiters 0"]));
  });

  test("that vanishes while it waits takes nobody's place for longer than a second", async () => {
    await app.stop();
    app = await startApp({ mcpWaitersMax: 1 });
    const watcher = await connectAgent(`${app.url}/mcp`, "2026-07-28");
    const { headers, body } = await waiting(revision);
    const vanishing = await TcpClient.open(app.url);
    vanishing.send(
      `POST /mcp HTTP/1.1\r\nHost: ${new URL(app.url).host}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const isFull = () =>
      watcher.call("wait_for_events", { timeout_ms: 0 }).then(
        () => false,
        () => true,
      );
    await eventually(isFull);
    vanishing.close();
    await eventually(async () => !(await isFull()), 1000);
    await watcher.close();
  });

  test("gets its answer when the server shuts down while it waits", async () => {
    await app.stop();
    app = await startApp({ mcpWaitersMax: 1 });
    agent = await connectAgent(`${app.url}/mcp`, revision);
    // Whether it waits already is asked by calls that could take its place for a moment.
    const wait = (): Promise<unknown> => agent.call("wait_for_events", { timeout_ms: 50_000 }).catch(wait);
    const waiting = wait();
    await eventually(() =>
      agent.failure("wait_for_events", { timeout_ms: 0 }).then(
        () => true,
        () => false,
      ),
    );
    const started = performance.now();
    await app.stop();
    expect(await waiting).toMatchObject({ timed_out: true, events: [] });
    expect(performance.now() - started).toBeLessThan(5000);
    app = await startApp();
  });
});

/** A call that waits, as it goes over the wire. */
async function waiting(revision: Revision): Promise<{ headers: string; body: string }> {
  const meta = { "io.modelcontextprotocol/protocolVersion": revision, "io.modelcontextprotocol/clientCapabilities": {} };
  const params = { name: "wait_for_events", arguments: { timeout_ms: 50_000 } };
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call" };
  const headers: Record<string, string> = { ...usual, "mcp-protocol-version": revision };
  if (revision === "2026-07-28") Object.assign(headers, { "mcp-method": "tools/call", "mcp-name": "wait_for_events" });
  else {
    const client = { protocolVersion: revision, capabilities: {}, clientInfo: { name: "test", version: "1" } };
    const opened = await post(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params: client }));
    headers["mcp-session-id"] = opened.headers.get("mcp-session-id") ?? "";
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const body = JSON.stringify({ ...call, params: revision === "2026-07-28" ? { ...params, _meta: meta } : params });
  return { headers: lines.join(""), body };
}
