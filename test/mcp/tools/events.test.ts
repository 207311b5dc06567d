import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Envelope } from "../../../src/events/catalog.ts";
import { eventually } from "../../support/eventually.ts";
import { type Agent, type McpWorld, openMcp, revisions } from "../../support/mcp.ts";
import { user } from "../../support/notes.ts";

interface Waited {
  events: (Envelope & { omitted?: string })[];
  next_cursor: string;
  timed_out: boolean;
  has_more?: boolean;
  gap: { from: string; to: string; reason: string } | null;
}

let world: McpWorld;
let agent: Agent;

const publish = (event: string, data: Record<string, unknown> = {}) => world.publisher.publish({ event, data }, user);
const waitFor = (args: Record<string, unknown> = {}) => agent.call<Waited>("wait_for_events", { timeout_ms: 5000, ...args });
const names = ({ events }: Waited) => events.map(({ event }) => event);

describe.each(revisions)("an agent that speaks %s", (revision) => {
  beforeEach(async () => {
    world = openMcp();
    agent = await world.connect(revision);
  });

  afterEach(async () => {
    await agent.close();
    await world.close();
  });

  test("is told of what happens while it waits, and where to go on", async () => {
    const waiting = waitFor();
    await eventually(() => world.waiters.count === 1);
    const id = await publish("ThingHappened", { n: 1 });
    expect(await waiting).toMatchObject({
      events: [{ id, event: "ThingHappened", actor: user, data: { n: 1 } }],
      next_cursor: id,
      timed_out: false,
      gap: null,
    });
    expect(world.waiters.count).toBe(0);
  });

  test("misses nothing and gets nothing twice when it loops with the cursor", async () => {
    const seen: unknown[] = [];
    let { next_cursor: after } = await waitFor({ timeout_ms: 0 });
    const total = 300;
    const publishing = (async () => {
      for (let n = 0; n < total; n++) {
        await publish("ThingHappened", { n });
        await publish("OtherHappened", { n });
      }
    })();
    while (seen.length < total) {
      const { events, next_cursor } = await waitFor({ after, events: ["ThingHappened"], limit: 7 });
      seen.push(...events.map(({ data }) => data.n));
      after = next_cursor;
    }
    await publishing;
    expect(seen).toEqual(Array.from({ length: total }, (_, n) => n));
  });

  test("gets an answer without events when the time is up, and the cursor has moved past what it did not ask for", async () => {
    const { next_cursor: before } = await waitFor({ timeout_ms: 0 });
    const other = await publish("OtherHappened");
    const answer = await waitFor({ after: before, events: ["ThingHappened"], timeout_ms: 30 });
    expect(answer).toEqual({ events: [], next_cursor: other, timed_out: true, gap: null });
  });

  test("gets several events at once when it lets them be collected", async () => {
    const waiting = waitFor({ batch_ms: 80 });
    await eventually(() => world.waiters.count === 1);
    await publish("ThingHappened");
    await publish("OtherHappened");
    expect(names(await waiting)).toEqual(["ThingHappened", "OtherHappened"]);
  });

  test("sees only what it asked for", async () => {
    const note = await world.notes.create({ title: "One", content: "" }, user);
    const other = await world.notes.create({ title: "Other", content: "" }, user);
    await publish("ThingHappened");
    await world.notes.update(note.id, { content: "new" }, { actor: user });
    await world.notes.update(other.id, { content: "new" }, { actor: user });
    const answer = await waitFor({ after: "earliest", note_id: note.id, events: ["Note*"] });
    expect(answer.events.map(({ event, subject }) => [event, subject])).toEqual([
      ["NoteCreated", `note:${note.id}`],
      ["NoteUpdated", `note:${note.id}`],
    ]);
  });

  test("is told the nearest name when it misspells one", async () => {
    expect(await agent.failure("wait_for_events", { events: ["NoteUpdatd"] })).toBe(
      'invalid: There is no event "NoteUpdatd". Did you mean NoteUpdated?',
    );
  });

  test("is told of a gap when its cursor is from another life of the log, and goes on", async () => {
    const id = await publish("ThingHappened");
    const answer = await waitFor({ after: "7-zzzzzz" });
    expect(answer).toMatchObject({ events: [{ id }], gap: { reason: "other_epoch" } });
    const nothingSince = await waitFor({ after: "99999", timeout_ms: 50_000 });
    expect(nothingSince).toMatchObject({ events: [], next_cursor: id, timed_out: false, gap: { reason: "ahead_of_log" } });
  });

  test("is told what a cursor looks like when it sends something else", async () => {
    expect(await agent.failure("wait_for_events", { after: "yesterday" })).toStartWith("invalid: after must be an event id");
    expect(await agent.failure("wait_for_events", { after: 12 })).toStartWith("invalid: after must be a string");
    expect(await agent.failure("wait_for_events", { timeout_ms: 60_000 })).toStartWith(
      "invalid: timeout_ms must be a whole number",
    );
    expect(await agent.failure("wait_for_events", { since: "1h" })).toStartWith("invalid: since is not known here");
  });

  test("reads what has happened page by page, and goes on waiting from there", async () => {
    const ids = [await publish("A1"), await publish("A2"), await publish("A3")];
    const first = await agent.call<Waited>("list_events", { after: "earliest", limit: 2 });
    expect([names(first), first.has_more, first.next_cursor]).toEqual([["A1", "A2"], true, ids[1] ?? ""]);
    const second = await agent.call<Waited>("list_events", { after: first.next_cursor, limit: 2 });
    expect([names(second), second.has_more]).toEqual([["A3"], false]);
    const waiting = waitFor({ after: second.next_cursor });
    await publish("A4");
    expect(names(await waiting)).toEqual(["A4"]);
  });

  test("gets a page of events that is not too long, and very long data only when it asks for it", async () => {
    const id = await publish("LongOne", { text: "x".repeat(20_000) });
    for (let n = 0; n < 10; n++) await publish("MiddlingOne", { n, text: "y".repeat(7000) });
    const first = await agent.call<Waited>("list_events", { after: "earliest" });
    expect(first.events[0]).toMatchObject({ id, data: {}, omitted: expect.stringContaining("get_event") });
    expect(JSON.stringify(first).length).toBeLessThan(60_000);
    expect(first).toMatchObject({ has_more: true, next_cursor: first.events.at(-1)?.id });
    const rest = await agent.call<Waited>("list_events", { after: first.next_cursor });
    expect([...first.events, ...rest.events].slice(1).map(({ data }) => data.n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await agent.call<Envelope>("get_event", { id })).toMatchObject({ id, data: { text: "x".repeat(20_000) } });
    expect(await agent.failure("get_event", { id: "99" })).toBe('not_found: There is no event with the id "99".');
  });
});
