import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { createClient } from "../../../src/client/client.ts";
import { jsonLines, lineReader, runCli, spawnCli } from "../../support/cli.ts";
import { ServerProcess } from "../../support/server-process.ts";

interface Received {
  headers: Headers;
  body: string;
}

let server: ServerProcess;
let receiver: ReturnType<typeof Bun.serve>;
let received: Received[] = [];
const waiting: (() => void)[] = [];
let status = 200;

beforeAll(async () => {
  receiver = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      received.push({ headers: request.headers, body: await request.text() });
      for (const wake of waiting.splice(0)) wake();
      return new Response("thanks", { status });
    },
  });
  server = await ServerProcess.start({ MATRIC_WEBHOOK_ALLOW: "127.0.0.1" });
});

afterAll(async () => {
  await server.stop();
  receiver.stop(true);
});

beforeEach(() => {
  received = [];
  status = 200;
});

afterEach(async () => {
  const listed = await run("list");
  for (const { id } of jsonLines(listed.stdout)) await run("remove", String(id));
});

const run = (...args: string[]) => runCli(["webhooks", ...args, "--json"], { url: server.url });

async function arrived(count: number): Promise<Received[]> {
  while (received.length < count) await new Promise<void>((wake) => waiting.push(wake));
  return received;
}

async function add(...more: string[]): Promise<Record<string, unknown>> {
  const added = await run("add", receiver.url.href, "--events", "ThingHappened", ...more);
  expect(added.stderr).toBe("");
  return jsonLines(added.stdout)[0] ?? {};
}

async function publish(n: number): Promise<void> {
  await createClient({ url: server.url }).events.publish({ event: "ThingHappened", data: { n } });
}

test("a webhook is registered, changed, tested, disabled, enabled and removed", async () => {
  const { id, secret } = await add("--description", "CI", "--header", "X-Team: notes");
  expect(secret).toStartWith("whsec_");
  const webhook = String(id);
  expect(jsonLines((await run("show", webhook)).stdout)[0]).toMatchObject({
    description: "CI",
    status: "active",
    headers: { "X-Team": "notes" },
  });
  expect(jsonLines((await run("update", webhook, "--max-concurrency", "3")).stdout)[0]).toMatchObject({ max_concurrency: 3 });
  expect(jsonLines((await run("update", webhook, "--rate-limit", "5")).stdout)[0]).toMatchObject({ rate_limit_per_second: 5 });
  expect(jsonLines((await run("update", webhook, "--rate-limit", "none")).stdout)[0]).toMatchObject({
    rate_limit_per_second: null,
  });
  expect(jsonLines((await run("test", webhook)).stdout)[0]).toMatchObject({ delivered: true });
  expect(jsonLines((await run("disable", webhook)).stdout)[0]).toMatchObject({ status: "disabled" });
  expect(jsonLines((await run("enable", webhook)).stdout)[0]).toMatchObject({ status: "active" });
  expect((await run("remove", webhook)).code).toBe(0);
  expect((await run("show", webhook)).code).toBe(3);
});

test("whoever takes the server's address for that of the receiver is told how the receiver's is changed", async () => {
  const updated = await run("update", Bun.randomUUIDv7(), "--url", "https://new.example/hook");
  expect(updated.code).toBe(2);
  expect(updated.stderr).toContain("--send-to");
});

test("a test that is not taken fails, and says what came back", async () => {
  const { id } = await add();
  status = 500;
  const tested = await run("test", String(id));
  expect(tested.code).toBe(1);
  expect(jsonLines(tested.stdout)[0]).toMatchObject({ delivered: false, attempt: { status: 500 } });
});

test("what was sent is listed, shown with its attempts, sent again and replayed", async () => {
  const { id } = await add();
  await publish(1);
  await arrived(1);
  const listed = async () => jsonLines((await run("deliveries", String(id), "--status", "delivered")).stdout);
  let [delivery] = await listed();
  for (let tries = 0; !delivery && tries < 100; tries++) [delivery] = await listed();
  expect(delivery).toMatchObject({ event: "ThingHappened", status: "delivered" });
  const shown = jsonLines((await run("deliveries", String(id), String(delivery?.id))).stdout)[0];
  expect(shown).toMatchObject({ attempt_log: [{ number: 1, status: 200, response_body: "thanks" }] });
  expect((await run("retry", String(id), String(delivery?.id))).code).toBe(0);
  await arrived(2);
  expect(jsonLines((await run("replay", String(id), "--since", "earliest", "--dry-run")).stdout)[0]).toMatchObject({
    dry_run: true,
  });
  expect(received.length).toBe(2);
});

test("a rotated secret is shown once, and signs", async () => {
  const { id } = await add();
  const rotated = jsonLines((await run("rotate-secret", String(id), "--overlap", "0")).stdout)[0];
  await publish(2);
  const [request] = await arrived(1);
  expect(
    new Webhook(String(rotated?.secret)).verify(request?.body ?? "", Object.fromEntries(request?.headers ?? [])),
  ).toMatchObject({
    data: { n: 2 },
  });
});

test("a signature is checked by hand", async () => {
  const body = '{"a":1}';
  const signature = new Bun.CryptoHasher("sha256", "s3cret").update(body).digest("hex");
  const verify = (text: string) =>
    runCli(["webhooks", "verify", "--secret", "s3cret", "--header", `X-Matric-Signature: sha256=${signature}`], { stdin: text });
  expect(await verify(body)).toMatchObject({ code: 0, stdout: "valid\n" });
  expect(await verify(`${body} `)).toMatchObject({ code: 1, stdout: "" });
});

test("listen posts events, signed, to a local URL without registering anything, and survives a restart of the server", async () => {
  const child = spawnCli(
    ["webhooks", "listen", "--forward-to", receiver.url.href, "--events", "ThingHappened", "--since", "latest", "--json"],
    {
      url: server.url,
    },
  );
  const told = lineReader(child.stderr);
  const secret = /whsec_\S+(?=")/.exec(await told.next())?.[0] ?? "";
  const answers = lineReader(child.stdout);
  await publish(10);
  const [first] = await arrived(1);
  expect(new Webhook(secret).verify(first?.body ?? "", Object.fromEntries(first?.headers ?? []))).toMatchObject({
    event: "ThingHappened",
  });
  expect(JSON.parse(await answers.next())).toMatchObject({ event: "ThingHappened", status: 200, answer: "thanks" });
  await server.kill();
  expect(JSON.parse(await told.next()).warning.code).toBe("reconnecting");
  await server.restart();
  await publish(99);
  expect(JSON.parse(await told.next()).warning.code).toBe("reconnected");
  while (!received.some(({ body }) => body.includes('"n":99'))) await arrived(received.length + 1);
  expect(jsonLines((await run("list")).stdout)).toEqual([]);
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
});

test("listen shows the beginning of an answer without end, and goes on", async () => {
  using endless = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue("more ".repeat(1000)) })),
  });
  const child = spawnCli(["webhooks", "listen", "--forward-to", endless.url.href, "--events", "ThingHappened", "--json"], {
    url: server.url,
  });
  await lineReader(child.stderr).next();
  await publish(1);
  await publish(2);
  const answers = lineReader(child.stdout);
  for (const _ of [1, 2]) {
    const { status, answer } = JSON.parse(await answers.next());
    expect({ status, length: answer.length }).toEqual({ status: 200, length: 120 });
  }
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
});

test("adding without saying which events is a wrong call", async () => {
  const answer = await run("add", receiver.url.href);
  expect(answer.code).toBe(2);
  expect(answer.stderr).toContain("--events");
});
