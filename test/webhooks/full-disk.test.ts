import { afterEach, beforeEach, expect, test } from "bun:test";
import { TestWebhooks } from "../support/webhooks.ts";

let server: TestWebhooks;
beforeEach(() => {
  server = new TestWebhooks();
});
afterEach(() => server.close());

/** Room for so many more pages in the database file. */
function leave(pages: number): void {
  const { sqlite } = server.db;
  const used = sqlite.query<{ page_count: number }, []>("PRAGMA page_count").get()?.page_count ?? 0;
  sqlite.run(`PRAGMA max_page_count = ${used + pages}`);
}

const long = "x".repeat(9000);

test("what came of an attempt is written down as soon as there is room, once", async () => {
  const webhook = await server.create();
  await server.publish("Thing");
  leave(0);
  await server.last().answer(500, { "x-long": long });
  await server.clock.advance(5000);
  expect(server.delivery(webhook, "Thing")).toMatchObject({ status: "pending", attempts: 0 });
  expect(server.requests.length).toBe(1);
  leave(1000);
  await server.clock.advance(1000);
  expect(server.delivery(webhook, "Thing")).toMatchObject({ status: "pending", attempts: 1, last_status: 500 });
  await server.clock.advance(0);
  await server.last().answer(200);
  expect(server.delivery(webhook, "Thing")).toMatchObject({ status: "delivered", attempts: 2 });
  expect(server.requests.length).toBe(2);
});

test("events are sent as soon as there is room for their deliveries", async () => {
  const webhook = await server.create();
  const names = Array.from({ length: 100 }, (_, index) => `Thing${index}`);
  server.always = () => 200;
  // The events have room, their deliveries do not.
  server.db.sqlite.run("CREATE TRIGGER refuse BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'refused'); END");
  await server.publish(...names);
  await server.clock.advance(3000);
  expect(server.requests.length).toBe(0);
  server.db.sqlite.run("DROP TRIGGER refuse");
  for (let second = 0; second < 5; second++) await server.clock.advance(1000);
  expect(server.take().sort()).toEqual(names.sort());
  expect(server.webhooks.get(webhook.id)).toMatchObject({ pending: 0, lag: 0 });
});
