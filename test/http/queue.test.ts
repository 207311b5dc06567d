import { afterAll, beforeAll, expect, test } from "bun:test";
import { createClient } from "../../src/client/client.ts";
import type { StreamItem } from "../../src/client/stream-item.ts";
import { EventPage } from "../../src/events/contract.ts";
import { Hub } from "../../src/events/hub.ts";
import { QueueSnapshots } from "../../src/http/queue-snapshots.ts";
import { Job, QueueStatus } from "../../src/jobs/contract.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { openStorage } from "../support/storage.ts";

let app: TestApp;

beforeAll(async () => {
  app = await startApp({ jobTypes: ["resize"] });
});
afterAll(() => app.stop());

test("the queue tells how many jobs wait and run, and is paused and resumed once each", async () => {
  const empty = { queue_depth: 0, pending: 0, running: 0, paused: false };
  expect(await app.call(QueueStatus, "GET", "/queue")).toMatchObject({ status: 200, body: empty });
  expect((await app.call(QueueStatus, "POST", "/queue/pause")).body).toEqual({ ...empty, paused: true });
  expect((await app.call(QueueStatus, "POST", "/queue/pause")).body).toEqual({ ...empty, paused: true });
  await app.call(Job, "POST", "/jobs", { body: { type: "resize" } });
  const claim = { body: { types: ["resize"], worker_id: "w1" } };
  expect((await app.fetch("/api/v1/jobs/claim", { method: "POST", ...asJson(claim.body) })).status).toBe(204);
  expect((await app.call(QueueStatus, "POST", "/queue/resume")).body).toEqual({ ...empty, queue_depth: 1, pending: 1 });
  expect((await app.fetch("/api/v1/jobs/claim", { method: "POST", ...asJson(claim.body) })).status).toBe(200);
  expect((await app.call(QueueStatus, "GET", "/queue")).body).toEqual({ ...empty, queue_depth: 1, running: 1 });
  expect(await (await app.fetch("/health")).json()).toMatchObject({ queue: { ...empty, queue_depth: 1, running: 1 } });
  const history = await app.call(EventPage, "GET", "/events?topics=queue", { headers: { accept: "application/json" } });
  expect(history.body.items.map(({ event }) => event)).toEqual(["QueuePaused", "QueueResumed"]);
});

function asJson(body: unknown) {
  return { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

test.each(["sse", "ws"] as const)("a %s stream hears when the depth of the queue changes", async (transport) => {
  const stop = new AbortController();
  const items = createClient({ url: app.url })
    .stream({ transport, filter: { topics: ["queue"] }, signal: stop.signal })
    [Symbol.asyncIterator]();
  expect((await items.next()).value).toMatchObject({ kind: "opened" });
  const { pending } = (await app.call(QueueStatus, "GET", "/queue")).body;
  await app.call(Job, "POST", "/jobs", { body: { type: "resize" } });
  await untilPending(items, pending + 1);
  await app.call(Job, "POST", "/jobs", { body: { type: "resize" } });
  await untilPending(items, pending + 2);
  stop.abort();
});

async function untilPending(items: AsyncIterator<StreamItem, void, void>, pending: number): Promise<void> {
  for (let item = await items.next(); !item.done; item = await items.next()) {
    if (item.value.kind === "snapshot" && item.value.envelope.data.pending === pending) return;
  }
  throw new Error("the stream ended");
}

test("the status is sent at once, then once a second at most, and the last one always", async () => {
  const storage = openStorage();
  const { clock, log } = storage;
  const hub = new Hub(log, clock);
  const sent: [ms: number, text: string][] = [];
  hub.join([{ events: [], topics: ["queue"], noteIds: [], jobIds: [] }], {
    encode: (events) => events,
    deliver() {},
    snapshot: (_, text) => sent.push([clock.monotonicMs(), text]),
  });
  let depth = 0;
  const snapshots = new QueueSnapshots(hub, clock, () => String(depth));
  const change = () => {
    depth++;
    snapshots.changed();
  };
  change();
  for (let tenth = 0; tenth < 20; tenth++) {
    await clock.advance(100);
    change();
  }
  await clock.advance(5000);
  change();
  snapshots.stop();
  change();
  await clock.advance(5000);
  expect(sent).toEqual([
    [0, "1"],
    [1000, "10"],
    [2000, "20"],
    [3000, "21"],
    [7000, "22"],
  ]);
  storage.close();
});
