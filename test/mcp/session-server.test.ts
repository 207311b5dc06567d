import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
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
