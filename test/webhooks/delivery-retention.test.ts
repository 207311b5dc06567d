import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { silentLogger } from "../../src/logger.ts";
import { DeliveryRetention } from "../../src/webhooks/delivery-retention.ts";
import { OldDeliveryStore } from "../../src/webhooks/old-delivery-store.ts";
import { settle } from "../support/manual-clock.ts";
import { TestWebhooks, user } from "../support/webhooks.ts";

const dayMs = 86_400_000;

let server: TestWebhooks;
let retention: DeliveryRetention | undefined;
beforeEach(() => {
  server = new TestWebhooks();
});
afterEach(async () => {
  await retention?.stop();
  retention = undefined;
  await server.close();
});

function start({ keepMs = 7 * dayMs, keepDelivered = 100_000 } = {}): void {
  const { writer, clock } = server;
  retention = new DeliveryRetention({
    store: new OldDeliveryStore(server.db),
    writer,
    clock,
    logger: silentLogger,
    keepMs,
    keepDelivered,
  });
  retention.start();
}

async function look(): Promise<void> {
  await server.clock.advance(10_000);
  for (let round = 0; round < 20; round++) await settle();
}

const attempts = () => server.db.sqlite.query<{ n: number }, []>("SELECT count(*) AS n FROM delivery_attempts").get()?.n;
const names = (count: number) => Array.from({ length: count }, (_, index) => `Thing${index}`);

describe("deliveries", () => {
  test("that are done are removed with their attempts when they are old", async () => {
    start();
    const webhook = await server.create();
    server.always = () => 200;
    await server.publish(...names(5));
    server.clock.jump(6 * dayMs);
    await server.publish("Newer");
    await look();
    expect(server.deliveries(webhook).length).toBe(6);
    server.clock.jump(dayMs);
    await look();
    expect(server.deliveries(webhook).map(({ event }) => event)).toEqual(["Newer"]);
    expect(attempts()).toBe(1);
  });

  test("that arrived are removed when they are many, those that were given up are not", async () => {
    start({ keepDelivered: 100 });
    const webhook = await server.create({ events: ["Poison", "Thing*"] });
    server.always = (outgoing) => (outgoing.headers["X-Matric-Event"] === "Poison" ? 500 : 200);
    await server.publish("Poison");
    await server.clock.advance(156_000);
    await server.webhooks.enable(webhook.id, user);
    await server.publish(...names(1000));
    for (let turn = 0; turn < 60; turn++) await server.clock.advance(0);
    await look();
    await look();
    const kept = server.deliveries(webhook);
    expect(kept.filter(({ status }) => status === "delivered").length).toBe(100);
    expect(kept.filter(({ status }) => status === "exhausted").map(({ event }) => event)).toEqual(["Poison"]);
  });

  test("that are still owed stay, however old", async () => {
    start();
    const webhook = await server.create();
    await server.publish("Thing");
    server.clock.jump(8 * dayMs);
    await look();
    expect(server.delivery(webhook, "Thing").status).toBe("pending");
  });

  test("that made a webhook fail stay until it has recovered, and so do their events", async () => {
    start();
    const webhook = await server.create({ events: ["Thing"] });
    await server.publish("Thing");
    await server.failFor(503);
    expect(server.webhooks.neededFrom()).toBe(1);
    server.clock.jump(8 * dayMs);
    await look();
    server.always = () => 200;
    await server.webhooks.enable(webhook.id, user);
    await server.clock.advance(0);
    expect(server.delivery(webhook, "Thing").status).toBe("delivered");
    server.clock.jump(8 * dayMs);
    await look();
    expect(server.deliveries(webhook)).toEqual([]);
  });

  test("of a webhook that is gone are removed, too", async () => {
    start();
    const webhook = await server.create();
    server.always = () => 200;
    await server.publish(...names(5));
    await server.webhooks.remove(webhook.id);
    server.clock.jump(8 * dayMs);
    await look();
    expect(attempts()).toBe(0);
  });
});
