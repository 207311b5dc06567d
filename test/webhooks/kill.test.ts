import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Client, createClient } from "../../src/client/client.ts";
import { listUpTo } from "../../src/client/paging.ts";
import type { Delivery } from "../../src/webhooks/contract.ts";
import { Publishing, wholeLog } from "../support/publishing.ts";
import { Receiver } from "../support/receiver.ts";
import { ServerProcess } from "../support/server-process.ts";

/** More of them where there is time. */
const kills = Number(process.env.MATRIC_TEST_KILLS ?? 8);

let server: ServerProcess;
let receiver: Receiver;
let isMended = false;

beforeEach(async () => {
  let count = 0;
  // Some answers are slow and some are failures, so that a kill meets attempts of every kind.
  receiver = new Receiver(async () => {
    const n = count++;
    if (n % 7 === 3) await Bun.sleep(15);
    return new Response(null, { status: n % 11 === 5 && !isMended ? 503 : 200 });
  });
  server = await ServerProcess.start({ MATRIC_WEBHOOK_ALLOW: "127.0.0.1" });
});

afterEach(async () => {
  await server.stop();
  await receiver.stop();
});

async function settled(client: Client, id: string): Promise<void> {
  for (;;) {
    const { pending, lag, status } = await client.webhooks.get(id);
    expect(status).toBe("active");
    if (pending === 0 && lag === 0) return;
    await Bun.sleep(20);
  }
}

test("a server that is killed at any moment loses no event, changes none, and its list of deliveries tells the truth", async () => {
  const client = createClient({ url: server.url });
  const { id } = await client.webhooks.create({ url: `${receiver.url}/hook`, events: ["ThingHappened"] });
  const publishing = new Publishing("Grüße");
  for (let round = 0; round < kills; round++) {
    publishing.start(server.url, 4);
    const before = receiver.requests.length;
    // Not before it works, and then at any moment.
    while (receiver.requests.length < before + 20) await Bun.sleep(1);
    await Bun.sleep(Math.random() * 60);
    await server.kill();
    await publishing.stop();
    await server.restart();
  }
  isMended = true;
  await settled(client, id);

  const log = await wholeLog(server.url);
  const deliveries: Delivery[] = [];
  for await (const one of listUpTo(1_000_000, (query) => client.webhooks.deliveries(id, query))) deliveries.push(one);
  const bodies = new Map<string, Set<string>>();
  for (const { headers, body } of receiver.requests) {
    const key = headers["webhook-id"] ?? "";
    bodies.set(key, (bodies.get(key) ?? new Set()).add(body));
  }
  const times = (one: Delivery) => receiver.requests.filter(({ headers }) => headers["webhook-id"] === one.id).length;

  // Every event that was committed makes one delivery, and every delivery arrived, with the same bytes each time.
  expect(log.length).toBeGreaterThan(kills * 20);
  expect(deliveries.map(({ event_id }) => event_id).sort()).toEqual(log.map((one) => one.id).sort());
  expect([...bodies.values()].filter((those) => those.size !== 1).length).toBe(0);
  expect(deliveries.filter((one) => !bodies.has(one.id))).toEqual([]);
  expect([...bodies.keys()].filter((key) => !deliveries.some((one) => one.id === key))).toEqual([]);
  // What the list says happened: never more than the receiver saw.
  expect(
    deliveries.filter(({ status, last_status, finished_at }) => status !== "delivered" || last_status !== 200 || !finished_at),
  ).toEqual([]);
  expect(deliveries.filter((one) => one.attempts < 1 || one.attempts > times(one))).toEqual([]);
  // Only what was under way when the server died was repeated.
  const repeats = deliveries.reduce((sum, one) => sum + times(one) - one.attempts, 0);
  expect(repeats).toBeLessThanOrEqual(kills * 128);
  const [first] = deliveries;
  const sample = first && (await (await fetch(`${server.url}/api/v1/events/${first.event_id}`)).text());
  expect(bodies.get(first?.id ?? "")).toEqual(new Set([sample ?? ""]));
}, 60_000);
