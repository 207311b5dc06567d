import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { CallToolResult, JSONRPCMessage, Transport } from "@modelcontextprotocol/server";
import { requestIdOf } from "../../src/mcp/json-rpc.ts";
import { SessionServer, type SessionServerOptions } from "../../src/mcp/session-server.ts";
import { eventually } from "../support/eventually.ts";
import { type Agent, type McpWorld, openMcp } from "../support/mcp.ts";
import { user } from "../support/notes.ts";

let world: McpWorld;
let agent: Agent;

beforeEach(async () => {
  world = openMcp();
  agent = await world.connect("2025-11-25");
});

afterEach(async () => {
  await agent.close();
  await world.close();
});

const waits = (count: number) => eventually(() => world.waiters.count === count);

describe("an agent whose session waits for events", () => {
  test("is answered when one comes, and can go on with anything else", async () => {
    for (const title of ["One", "Two", "Three"]) {
      const waiting = agent.call("wait_for_events", { events: ["NoteCreated"], timeout_ms: 20_000 });
      await waits(1);
      const { id } = await world.notes.create({ title, content: "" }, user);
      expect(await waiting).toMatchObject({ events: [{ data: { note_id: id } }], timed_out: false });
      expect(await agent.call("get_note", { id })).toMatchObject({ title });
    }
    expect((await agent.client.listTools()).tools.length).toBeGreaterThan(10);
  });

  test("can call other tools meanwhile, and wait for several things at once", async () => {
    const first = agent.call("wait_for_events", { events: ["NoteCreated"], timeout_ms: 20_000 });
    const second = agent.call("wait_for_events", { events: ["ThingHappened"], timeout_ms: 20_000 });
    await waits(2);
    expect(await agent.call("search_notes")).toMatchObject({ notes: [] });
    const { id } = await agent.call<{ id: string }>("create_note", { title: "Own", content: "" });
    expect(await first).toMatchObject({ events: [{ data: { note_id: id } }] });
    await world.publisher.publish({ event: "ThingHappened", data: {} }, user);
    expect(await second).toMatchObject({ events: [{ event: "ThingHappened" }] });
  });

  test("is told meanwhile of the resources that it has subscribed to", async () => {
    const told: string[] = [];
    agent.client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
      told.push(params.uri);
    });
    await agent.client.subscribeResource({ uri: "matric://events" });
    const waiting = agent.call("wait_for_events", { events: ["Never"], timeout_ms: 20_000 });
    await waits(1);
    await world.publisher.publish({ event: "ThingHappened", data: {} }, user);
    await eventually(() => told.length > 0);
    expect(told).toEqual(["matric://events"]);
    world.waiters.endAll();
    expect(await waiting).toMatchObject({ timed_out: true });
  });

  test("gets no answer to a call that it has cancelled, and can call again", async () => {
    const abort = new AbortController();
    const cancelled = agent.call("wait_for_events", { timeout_ms: 20_000 }, abort.signal);
    const other = agent.call("wait_for_events", { events: ["ThingHappened"], timeout_ms: 20_000 });
    await waits(2);
    const errors: string[] = [];
    agent.client.onerror = (error) => errors.push(error.message);
    abort.abort();
    expect(cancelled).rejects.toThrow();
    await cancelled.catch(() => {});
    await waits(1);
    await world.publisher.publish({ event: "ThingHappened", data: {} }, user);
    expect(await other).toMatchObject({ timed_out: false });
    expect(await agent.call("wait_for_events", { timeout_ms: 0 })).toMatchObject({ timed_out: true });
    // An answer that nobody asked for is an error to the client.
    expect(errors).toEqual([]);
  });

  test("stops waiting when its session is ended", async () => {
    const waiting = agent.call("wait_for_events", { timeout_ms: 20_000 });
    waiting.catch(() => {});
    await waits(1);
    const { transport } = agent.client;
    if (!(transport instanceof StreamableHTTPClientTransport)) throw new Error("only that transport has sessions");
    await transport.terminateSession();
    await waits(0);
    expect(world.endpoint.status().sessions).toBe(0);
  });
});

describe("a server of the protocol", () => {
  const ask = (id: number): JSONRPCMessage => ({ jsonrpc: "2.0", id, method: "tools/list" });

  /** A session whose servers answer everything at once; what it sent, what it could not do, and how many servers it let go. */
  function openSession({ create, waitFor, send }: Partial<SessionServerOptions> & { send?: Transport["send"] }) {
    const sent: JSONRPCMessage[] = [];
    const errors: string[] = [];
    const letGo: number[] = [];
    const made = {
      async connect(transport: Transport) {
        transport.onmessage = (message) => {
          const id = requestIdOf(message);
          if (id !== undefined) transport.send({ jsonrpc: "2.0", id, result: {} }).catch(() => {});
        };
        transport.onclose = () => letGo.push(letGo.length);
      },
    };
    const keep = async (message: JSONRPCMessage) => {
      sent.push(message);
    };
    const session = new SessionServer(
      { start: async () => {}, close: async () => {}, send: send ?? keep },
      { create: create ?? (async () => made), waitFor, onError: (error) => errors.push(String(error)) },
    );
    return { session, made, sent, errors, letGo };
  }

  test("that could not be made is told of, and made anew for the next message", async () => {
    let attempts = 0;
    const { session, made, sent, errors } = openSession({
      create: async () => {
        if (attempts++ === 0) throw new Error("no memory");
        return made;
      },
    });
    session.receive(ask(1), undefined);
    await eventually(() => sent.length === 1);
    expect(sent).toEqual([{ jsonrpc: "2.0", id: 1, error: { code: -32603, message: "Internal error" } }]);
    expect(errors).toEqual(["Error: no memory"]);
    session.receive(ask(2), undefined);
    await eventually(() => sent.length === 2);
    expect(sent[1]).toEqual({ jsonrpc: "2.0", id: 2, result: {} });
  });

  test("whose answer reaches nobody any more is not kept while its agent waits", async () => {
    const { promise } = Promise.withResolvers<CallToolResult>();
    let tried = 0;
    const { session, letGo } = openSession({
      waitFor: (message) => (requestIdOf(message) === 2 ? () => promise : undefined),
      send: async () => {
        tried++;
        throw new Error("no connection");
      },
    });
    session.receive(ask(1), undefined);
    await eventually(() => tried === 1);
    session.receive(ask(2), undefined);
    await eventually(() => letGo.length === 1);
  });
});
