import { afterEach, describe, expect, test } from "bun:test";
import { signatureProblem } from "../../src/webhooks/signature.ts";
import { TestWebhooks } from "../support/webhooks.ts";

let server = new TestWebhooks();
const restart = async (options?: ConstructorParameters<typeof TestWebhooks>[0]) => {
  await server.close();
  server = new TestWebhooks(options);
};
afterEach(() => restart());

const minute = 60_000;

describe("an event that the receiver does not take", () => {
  test("is tried again after 1, 5, 25 and 125 seconds with the same id and bytes, each time signed anew", async () => {
    const webhook = await server.create();
    await server.publish("BuildDone");
    await server.failFor(500);
    expect(server.requests.map(({ atMs }) => atMs)).toEqual([0, 1000, 6000, 31_000, 156_000]);
    expect(new Set(server.requests.map(({ id }) => id)).size).toBe(1);
    expect(new Set(server.requests.map(({ outgoing }) => outgoing.body)).size).toBe(1);
    expect(new Set(server.requests.map(({ outgoing }) => outgoing.headers["webhook-timestamp"])).size).toBe(5);
    expect(server.delivery(webhook, "BuildDone")).toMatchObject({ status: "exhausted", attempts: 5, next_attempt_at: null });
  });

  test("waits up to a tenth longer, never shorter", async () => {
    await restart({ random: () => 0.999 });
    await server.create();
    await server.publish("BuildDone");
    await server.last().answer(500);
    await server.clock.advance(1099);
    expect(server.requests.length).toBe(1);
    await server.clock.advance(1);
    expect(server.requests.length).toBe(2);
  });

  test("waits as long as Retry-After asks, an hour at most, and never less than the schedule", async () => {
    const webhook = await server.create();
    const wait = async (retryAfter: string) => {
      await server.last().answer(429, { "retry-after": retryAfter });
      const next = server.delivery(webhook, "BuildDone").next_attempt_at ?? "";
      const ms = Date.parse(next) - server.clock.now();
      await server.clock.advance(ms);
      return ms;
    };
    await server.publish("BuildDone");
    expect(await wait("30")).toBe(30_000);
    expect(await wait("0")).toBe(5000);
    expect(await wait("99999999999999999999")).toBe(3_600_000);
    expect(await wait("-5")).toBe(125_000);
  });

  test("is tried again at the place and with the secrets that its webhook has by then", async () => {
    const webhook = await server.create({ secret: "old" });
    await server.publish("Thing");
    const before = server.last();
    await before.answer(503);
    await server.webhooks.update(webhook.id, { url: "https://moved.example/" });
    await server.webhooks.rotateSecret(webhook.id, { secret: "new", overlap_seconds: 60 });
    await server.clock.advance(1000);
    const { outgoing, id } = server.last();
    expect(id).toBe(before.id);
    expect(outgoing.url.host).toBe("moved.example");
    for (const secret of ["old", "new"]) {
      const headers = { ...outgoing.headers, "webhook-signature": outgoing.headers["webhook-signature"] ?? "" };
      const received = { headers: { ...headers, "webhook-id": id }, body: Buffer.from(outgoing.body) };
      expect(signatureProblem(received, secret)).toBeUndefined();
    }
  });

  test("is a success at any retry", async () => {
    const webhook = await server.create();
    await server.publish("BuildDone");
    await server.last().refuse();
    await server.clock.advance(1000);
    await server.last().answer(204);
    expect(server.delivery(webhook, "BuildDone")).toMatchObject({
      status: "delivered",
      attempts: 2,
      last_status: 204,
      last_error_code: null,
    });
    await server.clock.advance(10 * minute);
    expect(server.requests.length).toBe(2);
  });

  test("keeps its schedule over a restart, and what was under way is made again", async () => {
    const webhook = await server.create();
    await server.publish("BuildDone");
    await server.last().answer(500);
    await server.clock.advance(1000);
    expect(server.requests.length).toBe(2);
    await server.crash();
    expect(server.requests.map(({ id }) => id)).toEqual(Array(3).fill(server.last().id));
    await server.last().answer(500);
    await server.clock.advance(4999);
    await server.crash();
    expect(server.requests.length).toBe(3);
    await server.clock.advance(1);
    expect(server.requests.length).toBe(4);
    await server.last().answer(200);
    expect(server.delivery(webhook, "BuildDone")).toMatchObject({ status: "delivered", attempts: 3 });
  });

  test("is not put off by a clock that is set back, nor hurried by one that is set forward", async () => {
    await server.create();
    await server.publish("BuildDone");
    await server.last().answer(500);
    server.clock.jump(-86_400_000);
    await server.clock.advance(1000);
    expect(server.requests.length).toBe(2);
    await server.last().answer(500);
    server.clock.jump(86_400_000);
    await server.clock.advance(4999);
    expect(server.requests.length).toBe(2);
    await server.clock.advance(1);
    expect(server.requests.length).toBe(3);
  });

  test("is not put off for longer than an hour by a clock that is set back before a restart", async () => {
    await server.create();
    await server.publish("BuildDone");
    await server.last().answer(500);
    server.clock.jump(-10 * 86_400_000);
    await server.crash();
    await server.clock.advance(60 * minute);
    expect(server.requests.length).toBe(2);
  });
});

describe("a webhook whose receiver is gone", () => {
  test("has failed after the fourth retry: it is told once, the administrator too, and events are held", async () => {
    const webhook = await server.create({ events: ["BuildDone"] });
    const [eventId = ""] = await server.publish("BuildDone");
    await server.failFor(503);
    expect(server.status(webhook)).toBe("failed");
    expect(server.failures).toEqual([webhook.id]);
    expect(server.events()).toEqual(["BuildDone", "WebhookFailed"]);
    const told = JSON.parse(server.log.readAfter(1, 1)[0]?.text ?? "");
    const delivery = server.delivery(webhook, "BuildDone");
    expect(told.data).toEqual({
      webhook_id: webhook.id,
      delivery_id: delivery.id,
      failed_event_id: eventId,
      attempts: 5,
      last_status: 503,
      error_code: "http_error",
    });
    await server.publish("BuildDone", "BuildDone");
    expect(server.requests.length).toBe(5);
    expect(server.webhooks.get(webhook.id)).toMatchObject({
      status: "failed",
      reason: "exhausted",
      failed_delivery_id: delivery.id,
    });
  });

  test("is tried with one event after 5, 10, 20, 40, 60, 60 minutes", async () => {
    const webhook = await server.create();
    await server.publish("BuildDone");
    await server.failFor(503);
    await server.publish("HeldOne", "HeldTwo");
    server.take();
    for (const minutes of [5, 10, 20, 40, 60, 60]) {
      await server.clock.advance(minutes * minute - 1);
      expect(server.requests.length).toBe(0);
      await server.clock.advance(1);
      await server.last().answer(503);
      expect(server.take()).toEqual(["BuildDone"]);
    }
    expect(server.events().filter((name) => name === "WebhookFailed").length).toBe(1);
    expect(server.status(webhook)).toBe("failed");
  });
});
