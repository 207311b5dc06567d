import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "../../src/client/client.ts";
import { runCli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { Receiver } from "../support/receiver.ts";
import { ServerProcess } from "../support/server-process.ts";

let server: ServerProcess;
let receiver: Receiver;
let client: Client;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "matric-test-"));
  receiver = new Receiver();
  server = await ServerProcess.start({ MATRIC_WEBHOOK_ALLOW: "127.0.0.1" });
  client = createClient({ url: server.url });
});

afterEach(async () => {
  await server.stop();
  await receiver.stop();
  rmSync(folder, { recursive: true });
});

const publish = (n: number) => client.events.publish({ event: "ThingHappened", data: { n } });
const register = () => client.webhooks.create({ url: `${receiver.url}/hook`, events: ["ThingHappened"] });
const numbers = () => receiver.requests.map(({ body }) => JSON.parse(body).data.n);
const ids = () => new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
const settled = (id: string) =>
  eventually(async () => {
    const { pending, lag } = await client.webhooks.get(id);
    return pending === 0 && lag === 0;
  });

test("a restored backup sends what was owed when it was made, as it was, and then what happens in the new epoch", async () => {
  receiver.answer = () => new Response(null, { status: 503, headers: { "retry-after": "3600" } });
  const { id } = await register();
  for (const n of [1, 2, 3]) await publish(n);
  await eventually(async () => (await client.webhooks.deliveries(id, {})).items.every(({ attempts }) => attempts === 1));
  const file = join(folder, "copy.db");
  expect((await runCli(["backup", file], { url: server.url })).code).toBe(0);
  // All of this is lost with the data that is replaced.
  receiver.answer = () => new Response("ok");
  for (const { id: delivery } of (await client.webhooks.deliveries(id, {})).items) await client.webhooks.retry(id, delivery);
  await settled(id);
  for (const n of [4, 5]) await publish(n);
  await settled(id);
  const before = receiver.requests.splice(0);
  await server.kill();
  expect((await runCli(["restore", file, "--data-dir", server.dataDir])).code).toBe(0);

  await server.restart();
  for (const { id: delivery } of (await client.webhooks.deliveries(id, {})).items) await client.webhooks.retry(id, delivery);
  await settled(id);
  expect(numbers().sort()).toEqual([1, 2, 3]);
  const known = new Map(before.map(({ headers, body }) => [headers["webhook-id"], body]));
  expect(receiver.requests.filter(({ headers, body }) => known.get(headers["webhook-id"]) !== body)).toEqual([]);
  receiver.requests.splice(0);
  await publish(6);
  await settled(id);
  expect(numbers()).toEqual([6]);
  const isNew = before.every(({ headers, body }) => !ids().has(headers["webhook-id"]) && body !== receiver.requests[0]?.body);
  expect(isNew).toBe(true);
  expect((await client.webhooks.deliveries(id, {})).items.map(({ status }) => status)).toEqual(Array(4).fill("delivered"));
});

test("an attempt that is under way at SIGTERM is finished and written down", async () => {
  const answer = Promise.withResolvers<Response>();
  receiver.answer = () => answer.promise;
  const { id } = await register();
  await publish(1);
  await receiver.received(1);
  const exited = server.terminate();
  await eventually(async () => (await fetch(`${server.url}/health/ready`)).status === 503);
  answer.resolve(new Response("ok"));
  expect(await exited).toBe(0);
  await server.restart();
  const [delivery] = (await client.webhooks.deliveries(id, {})).items;
  expect(delivery).toMatchObject({ status: "delivered", attempts: 1, last_status: 200 });
  expect(numbers()).toEqual([1]);
});

test("an attempt that does not end before the server goes back, and is made by the next one with the same id", async () => {
  await server.terminate();
  server = await ServerProcess.start({ MATRIC_WEBHOOK_ALLOW: "127.0.0.1", MATRIC_DRAIN_SECONDS: "1" }, server.dataDir);
  client = createClient({ url: server.url });
  receiver.answer = () => new Promise<Response>(() => {});
  const { id } = await register();
  await publish(1);
  await receiver.received(1);
  expect(await server.terminate()).toBe(0);
  receiver.answer = () => new Response("ok");
  await server.restart();
  await settled(id);
  expect(numbers()).toEqual([1, 1]);
  expect(ids().size).toBe(1);
  expect((await client.webhooks.deliveries(id, {})).items).toMatchObject([{ status: "delivered", attempts: 1 }]);
});
