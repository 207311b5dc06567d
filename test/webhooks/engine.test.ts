import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { TestWebhooks, user } from "../support/webhooks.ts";

let server: TestWebhooks;
beforeEach(() => {
  server = new TestWebhooks();
});
afterEach(() => server.close());

describe("a new webhook", () => {
  test("is active, says how it is set, and shows its secret this once", async () => {
    const { secret, ...created } = await server.create({ events: ["job.completed", "Note*"], description: "CI" });
    expect(secret).toMatch(/^whsec_/);
    expect(created).toMatchObject({
      url: "https://hooks.example/",
      events: ["JobCompleted", "Note*"],
      topics: [],
      description: "CI",
      headers: {},
      format: "matric",
      ordered: false,
      max_concurrency: 10,
      rate_limit_per_second: null,
      status: "active",
      reason: null,
      pending: 0,
      lag: 0,
      secrets: 1,
    });
    expect(server.webhooks.get(created.id)).toEqual(created);
    expect(JSON.stringify(server.webhooks.list({ limit: 10 }))).not.toContain(secret);
  });

  test("for everything is shown as such", async () => {
    expect((await server.create({ events: ["Note*", "*"] })).events).toEqual(["*"]);
  });

  test("keeps the secret it is given", async () => {
    expect((await server.create({ secret: "shared" })).secret).toBe("shared");
  });

  test.each([
    [{ events: ["NoteUpdatd"] }, "events", /Did you mean NoteUpdated/],
    [{ events: ["note updated"] }, "events", /Did you mean NoteUpdated/],
    [{ events: ["what happens"] }, "events", /not the name/],
    [{ topics: ["nodes"] }, "topics", /not a topic/],
    [{ secret: "whsec_***" }, "secret", /base64/],
    [{ secret: "a\nb" }, "secret", /control/],
    [{ headers: { "X-Bad": "a\r\nX-Other: b" } }, "headers.X-Bad", /one line/],
    [{ headers: { "X-Bad": "ü" } }, "headers.X-Bad", /ASCII/],
    [{ headers: { "X Bad": "a" } }, "headers.X Bad", /not the name/],
    [{ headers: { "X-A": "1", "x-a": "2" } }, "headers.x-a", /twice/],
  ])("is refused with %j", async (input, field, message) => {
    const refused = server.create(input as Parameters<TestWebhooks["create"]>[0]);
    await expect(refused).rejects.toMatchObject({ code: "invalid", details: { field }, message: expect.stringMatching(message) });
  });

  test.each([
    "Host",
    "content-type",
    "Content-Length",
    "Connection",
    "Transfer-Encoding",
    "Upgrade",
    "Expect",
    "TE",
    "Proxy-Authorization",
    "User-Agent",
    "X-Matric-Signature",
    "x-matric-event",
    "webhook-id",
    "Webhook-Signature",
    "ce-id",
    "traceparent",
  ])("cannot set the header %s", async (name) => {
    await expect(server.create({ headers: { [name]: "x" } })).rejects.toMatchObject({ code: "invalid" });
  });

  test("is refused when there are too many", async () => {
    await server.close();
    server = new TestWebhooks({ webhooksMax: 2 });
    const first = await server.create();
    await server.create();
    await expect(server.create()).rejects.toMatchObject({ code: "rate_limited" });
    await server.webhooks.remove(first.id);
    await server.create();
  });
});

describe("a change", () => {
  test("leaves what it does not name, and the status", async () => {
    const webhook = await server.create({ events: ["Thing"], headers: { "X-A": "1" }, rate_limit_per_second: 5 });
    await server.webhooks.disable(webhook.id, user);
    const changed = await server.webhooks.update(webhook.id, { description: "new", max_concurrency: 2 });
    const before = server.webhooks.get(webhook.id);
    expect(changed).toMatchObject({ events: ["Thing"], headers: { "X-A": "1" }, rate_limit_per_second: 5, status: "disabled" });
    expect(changed).toMatchObject({ description: "new", max_concurrency: 2 });
    expect(await server.webhooks.update(webhook.id, {})).toEqual(before);
    expect(await server.webhooks.update(webhook.id, { rate_limit_per_second: null })).toMatchObject({
      rate_limit_per_second: null,
    });
  });

  test("keeps a header whose value was shown masked", async () => {
    const webhook = await server.create({ headers: { Authorization: "Bearer secret", "X-Team": "red" } });
    expect(webhook.headers).toEqual({ Authorization: "***", "X-Team": "red" });
    const changed = await server.webhooks.update(webhook.id, { headers: { Authorization: "***", "X-Team": "blue" } });
    expect(changed.headers).toEqual({ Authorization: "***", "X-Team": "blue" });
    await server.publish("Thing");
    expect(server.last().outgoing.headers).toMatchObject({ Authorization: "Bearer secret", "X-Team": "blue" });
  });

  test("to an address that is not public is refused", async () => {
    const webhook = await server.create();
    await expect(server.webhooks.update(webhook.id, { url: "http://127.0.0.1/" })).rejects.toMatchObject({ code: "invalid" });
  });
});

test("lists are in pages, the oldest first", async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await server.create()).id);
  const first = server.webhooks.list({ limit: 2 });
  const second = server.webhooks.list({ limit: 2, cursor: first.next_cursor ?? "" });
  const third = server.webhooks.list({ limit: 2, cursor: second.next_cursor ?? "" });
  expect([first, second, third].flatMap(({ items }) => items.map(({ id }) => id))).toEqual(ids);
  expect(third.next_cursor).toBeNull();
});

test("whatever is asked of a webhook that is not there is not found", async () => {
  const id = "0197aaaa-0000-7000-8000-000000000001";
  const { webhooks } = server;
  const asked = [
    () => webhooks.get(id),
    () => webhooks.update(id, {}),
    () => webhooks.remove(id),
    () => webhooks.enable(id, user),
    () => webhooks.disable(id, user),
    () => webhooks.rotateSecret(id, {}),
    () => webhooks.deliveries.list(id, { limit: 1 }),
    () => webhooks.deliveries.get(id, id),
    () => webhooks.deliveries.retry(id, id),
    () => webhooks.deliveries.replay(id, { since: "earliest" }),
    () => webhooks.deliveries.test(id, user),
  ];
  for (const ask of asked) await expect((async () => ask())()).rejects.toMatchObject({ code: "not_found" });
});

test("a rotation signs with both secrets until the overlap is over", async () => {
  const webhook = await server.create();
  const { previous_expires_at } = await server.webhooks.rotateSecret(webhook.id, { overlap_seconds: 60 });
  expect(Date.parse(previous_expires_at)).toBe(server.clock.now() + 60_000);
  const signatures = async () => {
    await server.publish("Thing");
    await server.last().answer(200);
    return server.last().outgoing.headers["webhook-signature"]?.split(" ").length;
  };
  expect(await signatures()).toBe(2);
  await server.clock.advance(59_999);
  expect(await signatures()).toBe(2);
  await server.clock.advance(1);
  expect(await signatures()).toBe(1);
  for (let n = 0; n < 10; n++) await server.webhooks.rotateSecret(webhook.id, {});
  expect(await signatures()).toBe(5);
});

describe("what the log keeps for webhooks", () => {
  test("begins where an active or failed one still needs it, not a disabled one", async () => {
    const { webhooks } = server;
    expect(webhooks.neededFrom()).toBeUndefined();
    const webhook = await server.create({ events: ["Thing"] });
    await server.publish("Other", "Thing", "Other");
    expect(webhooks.neededFrom()).toBe(2);
    await server.last().answer(200);
    await server.publish("Other");
    await server.clock.advance(2000);
    expect(webhooks.neededFrom()).toBe(5);
    await server.publish("Thing");
    await server.failFor();
    await server.publish("Thing", "Thing");
    expect(webhooks.neededFrom()).toBe(5);
    await webhooks.disable(webhook.id, user);
    expect(webhooks.neededFrom()).toBeUndefined();
  });

  test("and what is gone all the same is passed over", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.webhooks.disable(webhook.id, user);
    await server.publish("ThingOne", "ThingTwo", "ThingThree");
    await server.writer.write((tx) => server.log.prune(tx, 3, 10));
    server.always = () => 200;
    await server.webhooks.enable(webhook.id, user);
    await server.clock.advance(0);
    expect(server.take()).toEqual(["ThingThree"]);
  });

  test("a delivery whose event is gone is given up, and the webhook goes on", async () => {
    const webhook = await server.create({ events: ["Thing*"] });
    await server.publish("ThingOne");
    await server.last().answer(500);
    await server.publish("ThingTwo");
    await server.last().answer(200);
    await server.writer.write((tx) => server.log.prune(tx, 1, 10));
    await server.crash();
    await server.clock.advance(1000);
    expect(server.delivery(webhook, "ThingOne")).toMatchObject({
      status: "exhausted",
      attempts: 1,
      last_error_code: "event_expired",
    });
    expect(server.status(webhook)).toBe("active");
  });
});
