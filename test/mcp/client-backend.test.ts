import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient } from "../../src/client/client.ts";
import { systemClock } from "../../src/clock.ts";
import { silentLogger } from "../../src/logger.ts";
import type { Caller } from "../../src/mcp/backend.ts";
import { ClientBackend } from "../../src/mcp/client-backend.ts";
import { describeFailure } from "../../src/mcp/failure.ts";
import { findTool } from "../../src/mcp/tools.ts";
import { eventually } from "../support/eventually.ts";
import { type Agent, connectAgent } from "../support/mcp.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

let app: TestApp;
let isDown = false;
let polls = 0;
let abort: AbortController;
let backend: ClientBackend;

beforeEach(async () => {
  app = await startApp();
  isDown = false;
  polls = 0;
  abort = new AbortController();
  const fetch = async (url: URL, init: RequestInit) => {
    if (url.searchParams.get("transport") === "poll") polls++;
    if (isDown) throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    return globalThis.fetch(url, init);
  };
  backend = new ClientBackend(createClient({ url: app.url, actor: "agent", fetch }), systemClock);
});

afterEach(async () => {
  abort.abort();
  await app.stop();
});

/** What a tool answers when its server is somewhere else. */
async function call(name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const caller: Caller = { actor: { kind: "agent", id: null }, signal: abort.signal };
  const answer = await findTool(name)?.call(args, backend, caller);
  if (!answer?.structuredContent) throw new Error(`${name} has no answer`);
  return { ...answer.structuredContent };
}

const failure = async (name: string, args: Record<string, unknown> = {}) => {
  const { code, message } = describeFailure(await call(name, args).catch((error: unknown) => error), silentLogger);
  return `${code}: ${message}`;
};

const { events, notes, jobs } = {
  events: () => createClient({ url: app.url }).events,
  notes: () => createClient({ url: app.url }).notes,
  jobs: () => createClient({ url: app.url }).jobs,
};
const publish = (event: string) => events().publish({ event, data: {} });

describe("a server somewhere else", () => {
  let agent: Agent;

  beforeEach(async () => {
    agent = await connectAgent(`${app.url}/mcp`, "2026-07-28");
  });

  afterEach(() => agent.close());

  test("answers as if it were here", async () => {
    const { id } = await notes().create({ title: "Plan", content: "some text", tags: ["x"] });
    await notes().update(id, { content: "other text" });
    for (let n = 0; n < 5; n++) await publish(`Thing${n}`);
    const job = await notes().revise(id);
    await eventually(async () => (await jobs().get(job.id)).status === "completed");
    const asked: [string, Record<string, unknown>][] = [
      ["list_events", {}],
      ["list_events", { after: "earliest", limit: 3 }],
      ["list_events", { after: "earliest", events: ["Thing*"] }],
      ["list_events", { after: "earliest", events: ["NothingEver"] }],
      ["list_events", { after: "9-zzzzzz", note_id: id }],
      ["list_events", { after: "latest" }],
      ["wait_for_events", { after: "earliest", limit: 2 }],
      ["wait_for_events", { after: "5-zzzzzz", events: ["NoteUpdated"] }],
      ["wait_for_events", { timeout_ms: 0 }],
      ["wait_for_events", { after: "latest", timeout_ms: 20, events: ["NothingEver"] }],
      ["get_event", { id: "2" }],
      ["search_notes", { q: "text" }],
      ["search_notes", {}],
      ["get_note", { id }],
      ["get_note", { id, revision: 1 }],
      ["get_job", { id: job.id }],
      ["list_jobs", {}],
    ];
    for (const [name, args] of asked) {
      // Both cursors lead on without a loss; the one from here may be further on already.
      const [there, here] = [await call(name, args), await agent.call(name, args)].map((answer) =>
        name === "list_events" ? { ...answer, next_cursor: "" } : answer,
      );
      expect([name, args, there]).toEqual([name, args, here]);
    }
  });

  test("refuses as if it were here", async () => {
    const { id } = await notes().create({ title: "Plan", content: "some text" });
    const asked: [string, Record<string, unknown>][] = [
      ["get_note", { id: "nope" }],
      ["get_note", { id, revision: 9 }],
      ["get_job", { id: "nope" }],
      ["cancel_job", { id: "nope" }],
      ["get_event", { id: "9999" }],
      ["update_note", { id, version: 7, title: "x" }],
      ["wait_for_events", { events: ["NoteUpdatd"] }],
      ["create_note", { title: "  ", content: "" }],
    ];
    for (const [name, args] of asked) {
      expect([name, args, await failure(name, args)]).toEqual([name, args, await agent.failure(name, args)]);
    }
  });

  test("is changed by an agent, as its events say", async () => {
    const { id } = await call("create_note", { title: "Plan", content: "one" });
    await call("update_note", { id, version: 1, title: "Plan B" });
    const { items } = await events().list();
    expect(items.map(({ event, actor }) => [event, actor.kind])).toEqual([
      ["NoteCreated", "agent"],
      ["NoteUpdated", "agent"],
    ]);
  });

  test("tells what happens while an agent waits", async () => {
    const waiting = call("wait_for_events", { events: ["ThingHappened"], timeout_ms: 5000, batch_ms: 30 });
    await eventually(() => polls === 2);
    await publish("OtherHappened");
    const ids = [await publish("ThingHappened"), await publish("ThingHappened")];
    expect(await waiting).toMatchObject({ events: ids.map((id) => ({ id })), next_cursor: ids[1], timed_out: false });
  });

  test("may be away for a while: nothing is missed, and the agent does not notice", async () => {
    const { next_cursor: after } = await call("wait_for_events", { timeout_ms: 0 });
    isDown = true;
    const waiting = call("wait_for_events", { after, timeout_ms: 5000 });
    const id = await publish("ThingHappened");
    await eventually(() => polls >= 3);
    isDown = false;
    expect(await waiting).toMatchObject({ events: [{ id }], next_cursor: id });
  });

  test("that stays away is told of when the time is up", async () => {
    isDown = true;
    expect(await failure("wait_for_events", { timeout_ms: 100 })).toStartWith(`unreachable: ${app.url} cannot be reached`);
    expect(await failure("get_note", { id: "x" })).toStartWith("unreachable: ");
  });

  test("has a list of the newest events", async () => {
    for (let n = 0; n < 5; n++) await publish(`Thing${n}`);
    const caller: Caller = { actor: { kind: "agent", id: null }, signal: abort.signal };
    expect((await backend.latestEvents(3, caller)).map(({ event }) => event)).toEqual(["Thing2", "Thing3", "Thing4"]);
  });

  test("tells of changes until nobody wants to know any more", async () => {
    const changes: unknown[] = [];
    const end = backend.follow((change) => changes.push(change));
    await eventually(async () => {
      await publish("ThingHappened");
      return changes.length > 0;
    });
    const { id } = await notes().create({ title: "Plan", content: "one" });
    await eventually(() => changes.some((change) => Bun.deepEquals(change, { event: "NoteCreated", noteId: id })));
    end();
    await eventually(async () => (await (await app.fetch("/api/v1/connections")).text()).includes('"items":[]'));
  });
});
