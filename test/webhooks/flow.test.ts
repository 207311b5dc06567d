import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { TestWebhooks, user } from "../support/webhooks.ts";

let server: TestWebhooks;
beforeEach(() => {
  server = new TestWebhooks();
});
afterEach(() => server.close());

const names = (count: number) => Array.from({ length: count }, (_, index) => `Thing${index}`);
const open = () => server.requests.filter((request) => !answered.has(request));
const answered = new Set<unknown>();
const answerNext = async (status = 200) => {
  const [first] = open();
  if (!first) throw new Error("no request is open");
  answered.add(first);
  await first.answer(status);
};

describe("a receiver is sent", () => {
  test("only what it asked for", async () => {
    server.always = () => 200;
    await server.create({ events: ["Build*"], url: "https://build.example/" });
    await server.create({ events: ["DeployDone"], url: "https://deploy.example/" });
    await server.create({ events: ["*"], topics: ["notes"], url: "https://notes.example/" });
    await server.publish("BuildStarted", "BuildDone", "DeployDone", "Other");
    const got = server.requests.map(({ outgoing, event }) => `${outgoing.url.host} ${event.event}`).sort();
    expect(got).toEqual(["build.example BuildDone", "build.example BuildStarted", "deploy.example DeployDone"]);
  });

  test("what happens from its registration on", async () => {
    await server.publish("Before");
    await server.create();
    await server.publish("After");
    expect(server.take()).toEqual(["After"]);
  });

  test("up to its limit at once; a failure halves that, and each success gives one back", async () => {
    await server.create({ max_concurrency: 4 });
    await server.publish(...names(20));
    expect(open().length).toBe(4);
    await answerNext();
    expect(open().length).toBe(4);
    await answerNext(500);
    await answerNext(500);
    expect(open().length).toBe(2);
    await answerNext(500);
    expect(open().length).toBe(1);
    await answerNext();
    expect(open().length).toBe(2);
    await answerNext();
    expect(open().length).toBe(3);
  });

  test("one event when it comes back, and one more at once after each success", async () => {
    const webhook = await server.create({ max_concurrency: 3 });
    await server.webhooks.disable(webhook.id, user);
    await server.publish(...names(10));
    await server.webhooks.enable(webhook.id, user);
    await server.clock.advance(0);
    expect(open().length).toBe(1);
    await answerNext();
    expect(open().length).toBe(2);
    await answerNext();
    expect(open().length).toBe(3);
    await answerNext();
    expect(open().length).toBe(3);
  });

  test("in strict order, if it asked for that: a retry holds up what follows, over restarts too", async () => {
    await server.create({ ordered: true });
    let failing = 3;
    server.always = (outgoing) => (outgoing.headers["X-Matric-Event"] === "Thing1" && failing-- > 0 ? 500 : 200);
    await server.publish(...names(4));
    expect(server.take()).toEqual(["Thing0", "Thing1"]);
    await server.crash();
    await server.clock.advance(6000);
    expect(server.take()).toEqual(["Thing1", "Thing1"]);
    await server.clock.advance(25_000);
    expect(server.take()).toEqual(["Thing1", "Thing2", "Thing3"]);
  });

  test("no more per second than it asked for", async () => {
    server.always = () => 200;
    await server.create({ rate_limit_per_second: 4 });
    await server.publish(...names(9));
    await server.clock.advance(2000);
    const times = server.requests.map(({ atMs }) => atMs);
    expect(times.length).toBe(9);
    expect(times.every((at, index) => at >= index * 250)).toBe(true);
  });

  test("everything, however much comes at once, and little of it is made ahead", async () => {
    const webhook = await server.create();
    await server.publish(...names(1000));
    expect(server.webhooks.get(webhook.id).pending).toBeLessThanOrEqual(128);
    server.always = () => 200;
    while (open().length > 0) await answerNext();
    for (let turn = 0; turn < 40; turn++) await server.clock.advance(0);
    expect(server.take().sort()).toEqual(names(1000).sort());
    expect(server.webhooks.get(webhook.id)).toMatchObject({ pending: 0, lag: 0 });
  });

  test("what follows, while many wait for a retry that is far away", async () => {
    const webhook = await server.create();
    const waits = new Set(names(100));
    server.always = () => undefined;
    await server.publish(...names(300));
    for (let turn = 0; turn < 400 && open().length > 0; turn++) {
      for (const request of open()) {
        answered.add(request);
        if (waits.has(request.event.event)) await request.answer(503, { "retry-after": "3600" });
        else await request.answer(200);
      }
      await server.clock.advance(0);
    }
    expect(server.webhooks.get(webhook.id)).toMatchObject({ status: "active", pending: 100, lag: 0 });
  });

  test("with the settings it has now", async () => {
    const webhook = await server.create({ events: ["ThingOne"] });
    await server.webhooks.update(webhook.id, {
      url: "https://other.example/",
      events: ["ThingTwo"],
      headers: { "X-Team": "red" },
    });
    await server.publish("ThingOne", "ThingTwo");
    expect(server.requests.length).toBe(1);
    expect(server.last().outgoing).toMatchObject({ url: new URL("https://other.example/"), headers: { "X-Team": "red" } });
  });

  test("nothing any more once it is removed", async () => {
    const webhook = await server.create();
    await server.publish("ThingOne");
    await server.webhooks.remove(webhook.id);
    await server.last().answer(500);
    await server.publish("ThingTwo");
    await server.clock.advance(10_000);
    expect(server.take()).toEqual(["ThingOne"]);
  });

  test("what it was sent, whatever comes of a request to one that was removed", async () => {
    const removed = await server.create({ url: "https://removed.example/" });
    await server.publish("ThingOne");
    const underWay = server.last();
    await server.webhooks.remove(removed.id);
    const kept = await server.create({ url: "https://kept.example/" });
    await server.publish("ThingTwo");
    await underWay.answer(200);
    expect(server.delivery(kept, "ThingTwo")).toMatchObject({ status: "pending", attempts: 0 });
  });

  test("what it wants at its rate, however much it does not want any more", async () => {
    const webhook = await server.create({ events: ["Thing*", "Noise"], rate_limit_per_second: 1 });
    server.always = () => 200;
    await server.publish(...Array<string>(100).fill("Noise"), "ThingOne", "ThingTwo");
    await server.webhooks.update(webhook.id, { events: ["Thing*"] });
    await server.clock.advance(999);
    expect(server.take()).toEqual(["Noise"]);
    await server.clock.advance(1);
    expect(server.take()).toEqual(["ThingOne"]);
    await server.clock.advance(999);
    expect(server.take()).toEqual([]);
    await server.clock.advance(1);
    expect(server.take()).toEqual(["ThingTwo"]);
  });

  test("nothing that it does not want any more, unless it was tried before", async () => {
    const webhook = await server.create({ events: ["Thing*", "Noise"], max_concurrency: 2 });
    await server.publish("Noise", "ThingOne", "Noise", "ThingTwo", "Noise");
    const [tried, one] = server.requests.slice();
    expect(server.take()).toEqual(["Noise", "ThingOne"]);
    await tried?.answer(500);
    await server.webhooks.update(webhook.id, { events: ["Thing*"] });
    server.always = () => 200;
    await one?.answer(200);
    await server.publish("Noise", "ThingThree");
    await server.clock.advance(1000);
    expect(server.take()).toEqual(["ThingTwo", "ThingThree", "Noise"]);
    expect(server.deliveries(webhook).map(({ event, attempts, status }) => [event, attempts, status])).toEqual([
      ["ThingThree", 1, "delivered"],
      ["ThingTwo", 1, "delivered"],
      ["ThingOne", 1, "delivered"],
      ["Noise", 2, "delivered"],
    ]);
    expect(server.webhooks.get(webhook.id)).toMatchObject({ status: "active", pending: 0, lag: 0 });
  });
});

describe("one receiver that never answers", () => {
  test("keeps no other waiting, however few requests may be under way", async () => {
    await server.close();
    server = new TestWebhooks({ requestsMax: 0 });
    const hanging = await Promise.all(names(20).map((name) => server.create({ url: `https://${name}.example/` })));
    const healthy = await server.create({ url: "https://healthy.example/" });
    server.always = (outgoing) => (outgoing.url.host === "healthy.example" ? 200 : undefined);
    await server.publish(...names(50));
    await server.clock.advance(0);
    expect(server.deliveries(healthy).filter(({ status }) => status === "delivered").length).toBe(50);
    expect(server.requests.filter(({ outgoing }) => outgoing.url.host !== "healthy.example").length).toBe(hanging.length);
  });
});

describe("after a restart", () => {
  test("what was committed and not sent is sent, and nothing is lost in between", async () => {
    server.always = () => 200;
    await server.create();
    await server.publish("ThingOne");
    // Killed right after the commit, before anybody could be told.
    const draft = { event: "ThingTwo", data: {}, subject: null, actor: { kind: "user" as const, id: null } };
    await server.writer.write((tx) => server.log.append(tx, [draft]));
    await server.crash();
    expect(server.take()).toEqual(["ThingOne", "ThingTwo"]);
  });

  test("a webhook that nothing was for does not look at the same events again", async () => {
    const webhook = await server.create({ events: ["Rare"] });
    await server.publish(...names(50));
    expect(server.webhooks.get(webhook.id).lag).toBe(0);
    await server.clock.advance(2000);
    await server.crash();
    expect(server.db.sqlite.query<{ cursor_seq: number }, []>("SELECT cursor_seq FROM webhooks").get()?.cursor_seq).toBe(50);
  });
});

describe("publishing", () => {
  test("makes no delivery and moves no cursor for webhooks that want something else", async () => {
    for (let index = 0; index < 30; index++) await server.create({ events: ["Rare"], url: `https://h${index}.example/` });
    const changes = () => server.db.sqlite.query<{ n: number }, []>("SELECT total_changes() AS n").get()?.n ?? 0;
    const before = changes();
    await server.publish(...names(100));
    expect(changes() - before).toBe(100);
  });
});
