import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { TestWebhooks, user } from "../support/webhooks.ts";

let server: TestWebhooks;
beforeEach(() => {
  server = new TestWebhooks();
});
afterEach(() => server.close());

const ids = (deliveries: readonly { event: string }[]) => deliveries.map(({ event }) => event);

describe("deliveries", () => {
  test("are listed in pages, the newest first, and by status", async () => {
    const webhook = await server.create({ max_concurrency: 1 });
    server.always = () => 200;
    await server.publish("A", "B", "C");
    await server.clock.advance(0);
    server.always = () => 500;
    await server.publish("D", "E");
    const { deliveries } = server.webhooks;
    const first = deliveries.list(webhook.id, { limit: 2 });
    expect(ids(first.items)).toEqual(["E", "D"]);
    const second = deliveries.list(webhook.id, { limit: 2, cursor: first.next_cursor ?? "" });
    expect(ids(second.items)).toEqual(["C", "B"]);
    expect(ids(deliveries.list(webhook.id, { limit: 9, status: "pending" }).items)).toEqual(["E", "D"]);
    expect(ids(deliveries.list(webhook.id, { limit: 9, status: "delivered" }).items)).toEqual(["C", "B", "A"]);
    expect(deliveries.list(webhook.id, { limit: 9, status: "exhausted" }).items).toEqual([]);
    expect(() => deliveries.list(webhook.id, { limit: 9, cursor: "x" })).toThrow(/next_cursor/);
  });

  test("show every attempt, with secrets masked", async () => {
    const webhook = await server.create({ headers: { Authorization: "Bearer secret" } });
    await server.publish("A");
    await server.last().answer(500, { "x-why": "busy" });
    await server.clock.advance(1000);
    await server.last().refuse("connection_refused");
    await server.clock.advance(5000);
    await server.last().answer(200);
    const { id } = server.delivery(webhook, "A");
    const detail = server.webhooks.deliveries.get(webhook.id, id);
    expect(detail).toMatchObject({
      id,
      status: "delivered",
      attempts: 3,
      last_status: 200,
      last_error_code: null,
      next_attempt_at: null,
    });
    expect(detail.attempt_log).toMatchObject([
      { number: 1, status: 500, error_code: "http_error", response_headers: { "x-why": "busy" } },
      { number: 2, status: null, error_code: "connection_refused", response_headers: null },
      { number: 3, status: 200, error_code: null },
    ]);
    expect(detail.attempt_log.map(({ at }) => Date.parse(at) - Date.parse(detail.created_at))).toEqual([0, 1000, 6000]);
    expect(detail.attempt_log[0]?.request_headers).toMatchObject({ Authorization: "***", "webhook-id": id });
    expect(JSON.stringify(detail)).not.toContain("Bearer");
  });

  test("of another webhook are not found", async () => {
    const webhook = await server.create();
    const other = await server.create();
    await server.publish("A");
    const { id } = server.delivery(webhook, "A");
    expect(() => server.webhooks.deliveries.get(other.id, id)).toThrow(/no delivery/);
  });
});

describe("a retry by hand", () => {
  test("does not wait for the schedule", async () => {
    const webhook = await server.create();
    await server.publish("A");
    await server.last().answer(500);
    await server.webhooks.deliveries.retry(webhook.id, server.delivery(webhook, "A").id);
    await server.clock.advance(0);
    expect(server.requests.length).toBe(2);
    await server.last().answer(500);
    await server.clock.advance(4999);
    expect(server.requests.length).toBe(2);
    await server.clock.advance(1);
    expect(server.requests.length).toBe(3);
  });

  test("of what was delivered sends it once more with the same id", async () => {
    const webhook = await server.create();
    await server.publish("A");
    await server.last().answer(200);
    const retried = await server.webhooks.deliveries.retry(webhook.id, server.delivery(webhook, "A").id);
    expect(retried).toMatchObject({ status: "pending", finished_at: null });
    await server.clock.advance(0);
    expect(server.requests.length).toBe(2);
    expect(new Set(server.requests.map(({ id }) => id)).size).toBe(1);
    await server.last().answer(500);
    await server.clock.advance(200_000);
    expect(server.requests.length).toBe(2);
    expect(server.delivery(webhook, "A")).toMatchObject({ status: "exhausted", attempts: 2 });
    expect(server.status(webhook)).toBe("active");
  });

  test("of a failed webhook is the try that shows whether it works again", async () => {
    const webhook = await server.create({ events: ["A", "B"] });
    await server.publish("A");
    await server.failFor();
    await server.publish("B");
    const { id } = server.delivery(webhook, "A");
    await server.webhooks.deliveries.retry(webhook.id, id);
    await expect(server.webhooks.deliveries.retry(webhook.id, id)).rejects.toMatchObject({ code: "conflict" });
    server.always = () => 200;
    await server.last().answer(200);
    expect(server.status(webhook)).toBe("active");
    expect(server.last().event.event).toBe("B");
  });

  test("is refused for a disabled webhook, and when the event is gone", async () => {
    const webhook = await server.create();
    await server.publish("A");
    await server.last().answer(200);
    const { id } = server.delivery(webhook, "A");
    await server.webhooks.disable(webhook.id, user);
    await expect(server.webhooks.deliveries.retry(webhook.id, id)).rejects.toThrow(/disabled/);
    await server.webhooks.enable(webhook.id, user);
    await server.writer.write((tx) => server.log.prune(tx, 1, 10));
    await expect(server.webhooks.deliveries.retry(webhook.id, id)).rejects.toThrow(/not in the log/);
  });

  test("is refused for what was never tried and is not asked for any more", async () => {
    const webhook = await server.create({ events: ["Wanted", "Unwanted"], max_concurrency: 1 });
    await server.publish("Wanted", "Unwanted");
    const unwanted = server.delivery(webhook, "Unwanted").id;
    await server.webhooks.update(webhook.id, { events: ["Wanted"] });
    const { deliveries } = server.webhooks;
    await expect(deliveries.retry(webhook.id, unwanted)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("not sent Unwanted any more"),
    });
    await server.webhooks.update(webhook.id, { events: ["Wanted", "Unwanted"] });
    expect(await deliveries.retry(webhook.id, unwanted)).toMatchObject({ status: "pending" });
    await server.last().answer(200);
    expect(server.last().event.event).toBe("Unwanted");
  });
});

describe("a replay", () => {
  test("sends what the webhook asks for of a span of time, as new deliveries", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    server.always = () => 200;
    await server.publish("ThingOne");
    await server.clock.advance(60_000);
    const [since = ""] = await server.publish("Other");
    await server.publish("ThingTwo", "ThingThree", "Other");
    await server.clock.advance(60_000);
    const [until = ""] = await server.publish("ThingFour");
    await server.publish("ThingFive");
    const seen = new Set(server.requests.map(({ id }) => id));
    server.take();
    const { deliveries } = server.webhooks;
    expect(await deliveries.replay(webhook.id, { since, until, dry_run: true })).toMatchObject({
      events: 3,
      dry_run: true,
      from: since,
      to: until,
    });
    await server.clock.advance(0);
    expect(server.requests.length).toBe(0);
    expect(await deliveries.replay(webhook.id, { since, until })).toMatchObject({ events: 3, dry_run: false });
    await server.clock.advance(0);
    expect(server.requests.some(({ id }) => seen.has(id))).toBe(false);
    expect(server.take()).toEqual(["ThingTwo", "ThingThree", "ThingFour"]);
    expect(await deliveries.replay(webhook.id, { since: "90s" })).toMatchObject({ events: 4 });
    await server.clock.advance(0);
    expect(server.take()).toEqual(["ThingTwo", "ThingThree", "ThingFour", "ThingFive"]);
  });

  test("of a thousand events goes on after a restart, while new events come through", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    server.always = () => 200;
    const names = Array.from({ length: 1000 }, (_, index) => `Thing${index}`);
    await server.publish(...names);
    for (let turn = 0; turn < 40; turn++) await server.clock.advance(0);
    server.take();
    server.always = undefined;
    await server.webhooks.deliveries.replay(webhook.id, { since: "earliest" });
    await server.publish("ThingNew");
    expect(server.webhooks.get(webhook.id).pending).toBeLessThanOrEqual(128);
    await server.crash();
    server.take();
    server.always = () => 200;
    await server.clock.advance(0);
    await server.crash();
    for (let turn = 0; turn < 60; turn++) await server.clock.advance(0);
    expect(new Set(server.take())).toEqual(new Set([...names, "ThingNew"]));
  });

  test("of what was given up sends that alone, as it was", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.publish("ThingOne");
    await server.failFor();
    const { id } = server.delivery(webhook, "ThingOne");
    server.always = (outgoing) => (outgoing.headers["X-Matric-Event"] === "ThingTwo" ? 200 : 500);
    await server.publish("ThingTwo");
    await server.clock.advance(300_000);
    expect(server.status(webhook)).toBe("active");
    expect(server.delivery(webhook, "ThingOne").status).toBe("exhausted");
    server.take();
    server.always = () => 200;
    const { deliveries } = server.webhooks;
    expect(await deliveries.replay(webhook.id, { since: "earliest", only_failed: true, dry_run: true })).toMatchObject({
      events: 1,
    });
    await deliveries.replay(webhook.id, { since: "earliest", only_failed: true });
    await server.clock.advance(0);
    expect(server.requests.map((request) => request.id)).toEqual([id]);
    expect(server.delivery(webhook, "ThingOne")).toMatchObject({ status: "delivered" });
    expect(await deliveries.replay(webhook.id, { since: "earliest", only_failed: true })).toMatchObject({ events: 0 });
  });

  test("is refused while a hundred are not done", async () => {
    const webhook = await server.create();
    await server.publish("Thing");
    await server.webhooks.disable(webhook.id, user);
    const replay = () => server.webhooks.deliveries.replay(webhook.id, { since: "earliest" });
    for (let n = 0; n < 100; n++) await replay();
    await expect(replay()).rejects.toMatchObject({ code: "conflict" });
  });

  test("of a disabled webhook waits until it is enabled", async () => {
    const webhook = await server.create({ events: ["Thing"] });
    server.always = () => 200;
    await server.publish("Thing");
    await server.webhooks.disable(webhook.id, user);
    await server.webhooks.deliveries.replay(webhook.id, { since: "earliest" });
    await server.clock.advance(1000);
    server.take();
    await server.webhooks.enable(webhook.id, user);
    await server.clock.advance(0);
    expect(server.take()).toEqual(["Thing"]);
  });

  test.each(["yesterday", "", "10 minutes", "-5m"])("since %j is refused", async (since) => {
    const webhook = await server.create();
    await expect(server.webhooks.deliveries.replay(webhook.id, { since })).rejects.toMatchObject({
      code: "invalid",
      details: { field: "since" },
    });
  });
});

describe("a test", () => {
  test("is sent at once, whatever the status, and is no delivery", async () => {
    const webhook = await server.create({ events: ["Thing"], headers: { "X-Api-Key": "secret" } });
    await server.webhooks.disable(webhook.id, user);
    server.always = () => 200;
    const tested = await server.webhooks.deliveries.test(webhook.id, user);
    expect(tested).toMatchObject({
      delivered: true,
      webhook_id: webhook.id,
      attempt: { number: 1, status: 200, request_headers: { "X-Api-Key": "***" } },
    });
    expect(server.last().event).toMatchObject({
      event: "WebhookTest",
      subject: `webhook:${webhook.id}`,
      data: { webhook_id: webhook.id },
    });
    expect(server.last().outgoing.headers).toMatchObject({ "X-Matric-Event": "WebhookTest", "X-Api-Key": "secret" });
    expect(server.deliveries(webhook)).toEqual([]);
    expect(server.events()).toEqual(["WebhookDisabled"]);
    expect(server.status(webhook)).toBe("disabled");
  });

  test("tells why it failed", async () => {
    const webhook = await server.create();
    const testing = server.webhooks.deliveries.test(webhook.id, user);
    await server.clock.advance(0);
    await server.last().refuse("tls_failed");
    expect(await testing).toMatchObject({ delivered: false, attempt: { status: null, error_code: "tls_failed" } });
    expect(server.status(webhook)).toBe("active");
  });
});
