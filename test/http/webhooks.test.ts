import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { EventPage } from "../../src/events/contract.ts";
import { Problem } from "../../src/http/problem.ts";
import {
  CreatedWebhook,
  Delivery,
  DeliveryDetail,
  DeliveryPage,
  Replay,
  RotatedSecret,
  TestedWebhook,
  Webhook,
  WebhookPage,
} from "../../src/webhooks/contract.ts";
import { checkEvent } from "../support/event-schema.ts";
import { Receiver } from "../support/receiver.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Nothing = Type.Undefined();
const Published = Type.Object({ id: Type.String() });
const missing = "0197aaaa-0000-7000-8000-000000000001";

let app: TestApp;
let receiver: Receiver;
beforeAll(async () => {
  app = await startApp({ webhookAllow: ["127.0.0.1"], webhooksMax: 40 });
  receiver = new Receiver();
});
afterAll(async () => {
  await app.stop();
  await receiver.stop();
});

let names = 0;
/** A webhook for events of a name that no other test uses. */
async function register(more: Record<string, unknown> = {}) {
  const event = `Thing${++names}`;
  const body = { url: `${receiver.url}/${event}`, events: [event], ...more };
  const created = await app.call(CreatedWebhook, "POST", "/webhooks", { body });
  return { event, webhook: created.body, created };
}

async function publish(event: string): Promise<string> {
  return (await app.call(Published, "POST", "/events", { body: { event, data: {} } })).body.id;
}

const requestsTo = (event: string) => receiver.requests.filter(({ path }) => path === `/${event}`);
async function arrived(event: string, count: number) {
  while (requestsTo(event).length < count) await receiver.received(receiver.requests.length + 1);
  return requestsTo(event);
}
/** The delivery, once it has the status. */
async function delivery(webhook: { id: string }, status: Delivery["status"]): Promise<Delivery> {
  for (;;) {
    const { body } = await app.call(DeliveryPage, "GET", `/webhooks/${webhook.id}/deliveries?status=${status}`);
    if (body.items[0]) return body.items[0];
    await Bun.sleep(2);
  }
}

describe("a webhook", () => {
  test("is registered, sent what it asked for, changed and removed", async () => {
    const { event, webhook, created } = await register({ description: "CI", headers: { Authorization: "Bearer x" } });
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe(`/api/v1/webhooks/${webhook.id}`);
    expect(webhook).toMatchObject({ status: "active", description: "CI", headers: { Authorization: "***" }, events: [event] });

    const eventId = await publish(event);
    const [request] = await arrived(event, 1);
    expect(request).toMatchObject({ method: "POST", headers: { "x-matric-event": event, authorization: "Bearer x" } });
    expect(JSON.parse(request?.body ?? "")).toMatchObject({ id: eventId, event });

    const shown = await app.call(Webhook, "GET", `/webhooks/${webhook.id}`);
    expect(shown.body).not.toHaveProperty("secret");
    expect(JSON.stringify(shown.body)).not.toContain("Bearer");
    const changed = await app.call(Webhook, "PATCH", `/webhooks/${webhook.id}`, { body: { max_concurrency: 3 } });
    expect(changed).toMatchObject({
      status: 200,
      body: { max_concurrency: 3, description: "CI", headers: { Authorization: "***" } },
    });

    expect((await app.call(Nothing, "DELETE", `/webhooks/${webhook.id}`)).status).toBe(204);
    expect(await app.call(Problem, "GET", `/webhooks/${webhook.id}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("shows what was sent, and sends it again", async () => {
    const { event, webhook } = await register();
    const eventId = await publish(event);
    const sent = await delivery(webhook, "delivered");
    expect(sent).toMatchObject({
      webhook_id: webhook.id,
      event_id: eventId,
      event,
      attempts: 1,
      last_status: 200,
      next_attempt_at: null,
    });
    const path = `/webhooks/${webhook.id}/deliveries/${sent.id}`;
    const { body: detail } = await app.call(DeliveryDetail, "GET", path);
    expect(detail.attempt_log).toMatchObject([{ number: 1, status: 200, error_code: null, response_body: "ok" }]);
    expect(detail.attempt_log[0]?.request_headers["webhook-id"]).toBe(sent.id);
    expect(await app.call(Delivery, "POST", `${path}/retry`)).toMatchObject({
      status: 202,
      body: { id: sent.id, status: "pending" },
    });
    const requests = await arrived(event, 2);
    expect(new Set(requests.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set([sent.id]));
    const replay = { since: "earliest", until: "latest" };
    const counted = await app.call(Replay, "POST", `/webhooks/${webhook.id}/replay`, { body: { ...replay, dry_run: true } });
    expect(counted).toMatchObject({ status: 202, body: { events: 1, dry_run: true } });
    expect(await app.call(Replay, "POST", `/webhooks/${webhook.id}/replay`, { body: replay })).toMatchObject({
      body: { events: 1 },
    });
    expect((await arrived(event, 3))[2]?.headers["webhook-id"]).not.toBe(sent.id);
  });

  test("is disabled, enabled and tested; the log tells", async () => {
    const { event, webhook } = await register();
    const at = (what: string) => `/webhooks/${webhook.id}/${what}`;
    expect(await app.call(Webhook, "POST", at("disable"))).toMatchObject({
      status: 200,
      body: { status: "disabled", reason: "requested" },
    });
    const tested = await app.call(TestedWebhook, "POST", at("test"), { body: {} });
    expect(tested).toMatchObject({ status: 200, body: { delivered: true, attempt: { status: 200 } } });
    expect(requestsTo(event)[0]?.headers["x-matric-event"]).toBe("WebhookTest");
    await publish(event);
    expect(await app.call(Webhook, "POST", at("enable"))).toMatchObject({
      status: 200,
      body: { status: "active", reason: null },
    });
    await arrived(event, 2);
    const { body } = await app.call(EventPage, "GET", "/events?topics=webhooks", { headers: { accept: "application/json" } });
    const about = body.items.filter(({ data }) => data.webhook_id === webhook.id);
    expect(about.map((one) => one.event)).toEqual(["WebhookDisabled", "WebhookEnabled"]);
    expect(about.flatMap(checkEvent)).toEqual([]);
  });

  test("gets a new secret, also one of its user's choice", async () => {
    const { webhook } = await register();
    const path = `/webhooks/${webhook.id}/rotate-secret`;
    const { body } = await app.call(RotatedSecret, "POST", path, { body: {} });
    expect(body.secret).toMatch(/^whsec_/);
    expect(Date.parse(body.previous_expires_at)).toBeGreaterThan(Date.now() + 86_000_000);
    expect((await app.call(RotatedSecret, "POST", path, { body: { secret: "mine" } })).body.secret).toBe("mine");
    expect((await app.call(Webhook, "GET", `/webhooks/${webhook.id}`)).body.secrets).toBe(3);
  });

  test("fails for good when its receiver is gone", async () => {
    const { event, webhook } = await register();
    receiver.answer = ({ path }) => new Response(null, { status: path === `/${event}` ? 410 : 200 });
    await publish(event);
    await arrived(event, 1);
    while ((await app.call(Webhook, "GET", `/webhooks/${webhook.id}`)).body.status !== "disabled") await Bun.sleep(2);
    receiver.answer = () => new Response("ok");
  });
});

describe("a request", () => {
  test.each([
    [{}, "url", /url is missing/],
    [{ url: "https://hooks.example/" }, "events", /events is missing/],
    [{ url: 7, events: ["*"] }, "url", /string/],
    [{ url: "https://hooks.example/", events: [] }, "events", /1 to 256/],
    [{ url: "https://hooks.example/", events: "*" }, "events", /array/],
    [{ url: "https://hooks.example/", events: ["JobComplete"] }, "events", /Did you mean JobCompleted/],
    [{ url: "https://hooks.example/", events: ["*"], secret: "" }, "secret", /1/],
    [{ url: "https://hooks.example/", events: ["*"], ordered: "yes" }, "ordered", /true or false/],
    [{ url: "https://hooks.example/", events: ["*"], max_concurrency: 0 }, "max_concurrency", /1 to 100/],
    [{ url: "https://hooks.example/", events: ["*"], max_concurrency: "2" }, "max_concurrency", /whole number/],
    [{ url: "https://hooks.example/", events: ["*"], rate_limit_per_second: 0.5 }, "rate_limit_per_second", /./],
    [{ url: "https://hooks.example/", events: ["*"], format: "xml" }, "format", /matric, cloudevents/],
    [{ url: "https://hooks.example/", events: ["*"], headers: { "X-A": 1 } }, "headers.X-A", /string/],
    [{ url: "https://hooks.example/", events: ["*"], event: "x" }, "event", /not known/],
    [{ url: "http://10.0.0.1/", events: ["*"] }, "url", /MATRIC_WEBHOOK_ALLOW/],
    [{ url: "http://[::1]:1/", events: ["*"] }, "url", /special address/],
  ])("to register %j is refused", async (body, field, detail) => {
    const refused = await app.call(Problem, "POST", "/webhooks", { body });
    expect(refused).toMatchObject({ status: 422, body: { code: "invalid", field, detail: expect.stringMatching(detail) } });
  });

  test.each([
    ["GET", ""],
    ["PATCH", ""],
    ["DELETE", ""],
    ["POST", "/enable"],
    ["POST", "/disable"],
    ["POST", "/test"],
    ["POST", "/rotate-secret"],
    ["GET", "/deliveries"],
    ["GET", `/deliveries/${missing}`],
    ["POST", `/deliveries/${missing}/retry`],
  ])("%s of what is not there, %j, is a 404", async (method, path) => {
    const answer = await app.call(Problem, method, `/webhooks/${missing}${path}`, method === "PATCH" ? { body: {} } : {});
    expect(answer).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test.each(["status=done", "limit=0", "limit=501", "cursor=x", "event=Note"])(
    "for deliveries with %s is refused",
    async (query) => {
      const { webhook } = await register();
      expect(await app.call(Problem, "GET", `/webhooks/${webhook.id}/deliveries?${query}`)).toMatchObject({ status: 422 });
    },
  );

  test("for the list is answered in pages", async () => {
    const { body } = await app.call(WebhookPage, "GET", "/webhooks?limit=3");
    expect(body.items.length).toBe(3);
    const next = await app.call(WebhookPage, "GET", `/webhooks?limit=3&cursor=${body.next_cursor}`);
    expect(next.body.items.some(({ id }) => body.items.some((one) => one.id === id))).toBe(false);
  });

  test("to register one more than may be is refused", async () => {
    const { body } = await app.call(WebhookPage, "GET", "/webhooks?limit=500");
    for (let count = body.items.length; count < 40; count++) await register();
    const refused = await app.call(Problem, "POST", "/webhooks", { body: { url: `${receiver.url}/x`, events: ["*"] } });
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited", limit: "webhooks" } });
  });
});
