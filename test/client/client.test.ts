import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, createClient } from "../../src/client/client.ts";
import type { StreamState } from "../../src/client/stream.ts";
import { ServerProcess } from "../support/server-process.ts";

let server: ServerProcess;
let client: Client;
beforeAll(async () => {
  server = await ServerProcess.start();
  client = createClient({ url: server.url });
});
afterAll(() => server.stop());

const publish = (count: number, event: string) =>
  client.events.publishAll(Array.from({ length: count }, (_, n) => ({ event, data: { n } })));

describe("the client against a real server", () => {
  test("publishes, reads one event and pages through history", async () => {
    const id = await client.events.publish({ event: "Single", data: { a: 1 }, subject: "s" });
    expect(await client.events.get(id)).toMatchObject({ id, event: "Single", subject: "s", data: { a: 1 } });
    const ids = await publish(3, "Paged");
    const first = await client.events.list({ filter: { events: ["Paged"] }, limit: 2 });
    expect(first.items.map((event) => event.id)).toEqual(ids.slice(0, 2));
    const second = await client.events.list({ filter: { events: ["Paged"] }, cursor: first.next_cursor ?? undefined });
    expect(second).toMatchObject({ items: [{ id: ids[2] }], next_cursor: null });
  });

  test("knows the server's health, listeners and event types", async () => {
    expect(await client.server.health()).toMatchObject({ status: "ok", queue: { paused: false } });
    expect(await client.server.connections()).toEqual([]);
    expect((await client.events.types()).map(({ event }) => event)).toContain("NoteUpdated");
  });

  test("tells what is not there", async () => {
    expect(await client.events.get("999999").catch((error: unknown) => error)).toMatchObject({ code: "not_found", status: 404 });
    expect(await client.events.publish({ event: "lower", data: {} }).catch((error: unknown) => error)).toMatchObject({
      code: "invalid",
      status: 422,
    });
  });

  test.each(["sse", "ws"] as const)("follows by %s: history, then live, as the server wrote it", async (transport) => {
    const name = `Followed${transport === "ws" ? "Socket" : "Sse"}`;
    const ids = await publish(3, name);
    const seen: string[] = [];
    for await (const item of client.stream({ transport, since: "earliest", filter: { events: [name] } })) {
      if (item.kind !== "event") continue;
      seen.push(item.id);
      expect(item.envelope).toMatchObject({ id: item.id, event: name });
      if (seen.length === 3) ids.push(...(await publish(2, name)));
      if (seen.length === 5) break;
    }
    expect(seen).toEqual(ids);
  });

  test.each(["sse", "ws"] as const)("by %s a refusal is final and says why", async (transport) => {
    const stream = client.stream({ transport, filter: { events: ["NoteUpdatd"] } });
    const error = await stream[Symbol.asyncIterator]()
      .next()
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "invalid", field: "events" });
  });

  test("hands on the queue's snapshots on a WebSocket", async () => {
    const items = client.stream({ transport: "ws" })[Symbol.asyncIterator]();
    expect((await items.next()).value).toMatchObject({ kind: "opened", transport: "ws" });
    expect((await items.next()).value).toMatchObject({ kind: "snapshot", name: "QueueStatus" });
    await items.return?.();
  });

  test.each(["sse", "ws"] as const)(
    "by %s outlives two killed servers: nothing lost, nothing twice",
    async (transport) => {
      const name = `Outlived${transport === "ws" ? "Socket" : "Sse"}`;
      const expected = await publish(10, name);
      const states: StreamState["state"][] = [];
      const seen: string[] = [];
      let kills = 0;
      const stream = client.stream({
        transport,
        since: expected[0],
        filter: { events: [name] },
        onState: ({ state }) => states.push(state),
      });
      for await (const item of stream) {
        if (item.kind !== "event") continue;
        seen.push(item.id);
        if (seen.length === expected.length - 1 && kills < 2) {
          kills++;
          await server.kill();
          await server.restart();
          expected.push(...(await publish(10, name)));
        }
        if (seen.length === expected.length - 1) break;
      }
      expect(seen).toEqual(expected.slice(1));
      expect(states.filter((state) => state === "live")).toHaveLength(3);
    },
    30_000,
  );
});
