import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { TestWebhooks, user } from "../support/webhooks.ts";

let server: TestWebhooks;
beforeEach(() => {
  server = new TestWebhooks();
});
afterEach(() => server.close());

const minute = 60_000;

describe("a failed webhook", () => {
  test("recovers with the event that made it fail, and what was held follows in the order of the log", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.publish("ThingOne");
    await server.failFor(503);
    await server.publish("ThingTwo", "ThingThree", "ThingFour");
    server.take();
    server.always = () => 200;
    await server.clock.advance(5 * minute);
    expect(server.take()).toEqual(["ThingOne", "ThingTwo", "ThingThree", "ThingFour"]);
    expect(server.status(webhook)).toBe("active");
    expect(server.events().filter((name) => name.startsWith("Webhook"))).toEqual(["WebhookFailed", "WebhookRecovered"]);
    expect(server.deliveries(webhook).map(({ status }) => status)).toEqual(Array(4).fill("delivered"));
  });

  test("recovers when it is enabled, and gets what it did not take", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.publish("ThingOne");
    await server.failFor();
    await server.publish("ThingTwo");
    server.take();
    server.always = () => 200;
    expect(await server.webhooks.enable(webhook.id, user)).toMatchObject({ status: "active", reason: null, next_probe_at: null });
    await server.clock.advance(0);
    expect(server.take()).toEqual(["ThingOne", "ThingTwo"]);
    expect(server.events()).toContain("WebhookRecovered");
  });

  test("holds deliveries that were waiting for a retry, and begins their schedule anew", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    server.always = () => 503;
    await server.publish("ThingOne");
    await server.clock.advance(130_000);
    await server.publish("ThingTwo");
    await server.clock.advance(27_000);
    expect(server.status(webhook)).toBe("failed");
    expect(server.delivery(webhook, "ThingTwo")).toMatchObject({ status: "pending", next_attempt_at: null });
    server.always = (outgoing) => (outgoing.headers["X-Matric-Event"] === "ThingOne" ? 200 : 503);
    server.take();
    await server.clock.advance(5 * minute);
    await server.clock.advance(31_000);
    expect(server.take()).toEqual(["ThingOne", "ThingTwo", "ThingTwo", "ThingTwo", "ThingTwo"]);
  });

  test("that refuses one event alone is tried with the next, and gets the one it refused once more", async () => {
    const webhook = await server.create({ events: ["Poison", "Thing*"] });
    server.always = (outgoing) => (outgoing.headers["X-Matric-Event"] === "Poison" ? 500 : 200);
    await server.publish("Poison");
    await server.clock.advance(156_000);
    expect(server.status(webhook)).toBe("failed");
    await server.publish("ThingOne", "ThingTwo");
    server.take();
    await server.clock.advance(5 * minute);
    expect(server.take()).toEqual(["ThingOne", "Poison", "ThingTwo"]);
    expect(server.status(webhook)).toBe("active");
    expect(server.delivery(webhook, "Poison")).toMatchObject({ status: "exhausted", attempts: 6 });
    await server.clock.advance(60 * minute);
    expect(server.failures.length).toBe(1);
  });

  test("that asked for strict order is tried with what it refused, until somebody enables it", async () => {
    const webhook = await server.create({ events: ["Poison", "Thing*"], ordered: true });
    server.always = (outgoing) => (outgoing.headers["X-Matric-Event"] === "Poison" ? 500 : 200);
    await server.publish("Poison", "ThingOne");
    await server.clock.advance(156_000 + 16 * minute);
    expect(new Set(server.take())).toEqual(new Set(["Poison"]));
    await server.webhooks.enable(webhook.id, user);
    await server.clock.advance(0);
    expect(server.take()).toEqual(["Poison", "ThingOne"]);
  });

  test("keeps its rest over a restart", async () => {
    await server.create({ events: ["Thing"] });
    await server.publish("Thing");
    await server.failFor(503);
    await server.clock.advance(4 * minute);
    await server.crash();
    server.take();
    await server.clock.advance(minute - 1);
    expect(server.take()).toEqual([]);
    await server.clock.advance(1);
    expect(server.take()).toEqual(["Thing"]);
  });

  test("is not told of its own failure in a way that makes it fail for ever", async () => {
    const webhook = await server.create();
    server.always = (outgoing) => (outgoing.headers["X-Matric-Event"]?.startsWith("Webhook") ? 500 : 200);
    await server.publishAboutWebhook(webhook.id);
    await server.clock.advance(10 * minute);
    expect(server.requests.length).toBe(5);
    expect(server.status(webhook)).toBe("active");
    expect(server.events()).toEqual(["WebhookEnabled"]);
  });

  test("is told to another webhook", async () => {
    const failing = await server.create({ events: ["Thing"] });
    const watching = await server.create({ url: "https://watch.example/", events: ["WebhookFailed"] });
    server.always = (outgoing) => (outgoing.url.host === "watch.example" ? 200 : 500);
    await server.publish("Thing");
    await server.clock.advance(156_000);
    expect(server.last().event).toMatchObject({ event: "WebhookFailed", data: { webhook_id: failing.id } });
    expect(server.delivery(watching, "WebhookFailed").status).toBe("delivered");
  });
});

describe("a disabled webhook", () => {
  test("is sent nothing until it is enabled, then what was held", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.webhooks.disable(webhook.id, user);
    await server.publish("ThingOne", "ThingTwo");
    await server.clock.advance(60 * minute);
    expect(server.take()).toEqual([]);
    await server.crash();
    server.always = () => 200;
    expect(await server.webhooks.enable(webhook.id, user)).toMatchObject({ status: "active" });
    await server.clock.advance(0);
    expect(server.take()).toEqual(["ThingOne", "ThingTwo"]);
    expect(server.events().filter((name) => name.startsWith("Webhook"))).toEqual(["WebhookDisabled", "WebhookEnabled"]);
  });

  test("is one whose receiver answered 410 Gone", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.publish("ThingOne");
    await server.last().answer(410);
    expect(server.webhooks.get(webhook.id)).toMatchObject({ status: "disabled", reason: "gone" });
    expect(JSON.parse(server.log.readAfter(1, 1)[0]?.text ?? "")).toMatchObject({
      event: "WebhookDisabled",
      data: { reason: "gone" },
    });
    await server.clock.advance(60 * minute);
    expect(server.take()).toEqual(["ThingOne"]);
    await server.webhooks.enable(webhook.id, user);
    await server.clock.advance(0);
    expect(server.take()).toEqual(["ThingOne"]);
  });

  test("does not lose what was under way", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.publish("ThingOne");
    const underWay = server.last();
    await server.webhooks.disable(webhook.id, user);
    await underWay.answer(500);
    expect(server.delivery(webhook, "ThingOne")).toMatchObject({ status: "pending", attempts: 1, next_attempt_at: null });
    await server.webhooks.enable(webhook.id, user);
    await server.clock.advance(0);
    expect(server.last().id).toBe(underWay.id);
  });

  test("stays as it is when it is disabled again, and an active one when it is enabled", async () => {
    const webhook = await server.create();
    await server.webhooks.enable(webhook.id, user);
    await server.webhooks.disable(webhook.id, user);
    await server.webhooks.disable(webhook.id, user);
    expect(server.events()).toEqual(["WebhookDisabled"]);
  });
});
