import { expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { createClient } from "../../src/client/client.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { certificateFor, LiveCertificate } from "../support/certificate.ts";
import { eventually } from "../support/eventually.ts";
import { Http2Client } from "../support/http2-client.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { Receiver } from "../support/receiver.ts";
import { ServerProcess } from "../support/server-process.ts";
import { TcpClient } from "../support/tcp-client.ts";

const List = Type.Object({ items: Type.Array(Type.Unknown()) });

/** `fetch` would keep most of them waiting: it holds 256 connections at once. */
async function openStream(url: string): Promise<TcpClient> {
  const client = await TcpClient.open(url);
  client.send(`GET /api/v1/events HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`);
  await eventually(() => client.text.includes("ConnectionOpened"));
  return client;
}

test("SIGTERM with 500 streams open: every one is told, and the server ends at once", async () => {
  const server = await ServerProcess.start();
  try {
    const [streams, sockets] = await Promise.all([
      Promise.all(Array.from({ length: 400 }, () => openStream(server.url))),
      Promise.all(Array.from({ length: 100 }, () => RawSocket.open(server.url))),
    ]);
    const list = Value.Decode(List, await (await fetch(`${server.url}/api/v1/connections`)).json());
    expect(list.items).toHaveLength(500);

    const started = performance.now();
    expect(await server.terminate()).toBe(0);
    expect(performance.now() - started).toBeLessThan(5000);
    await eventually(() => [...streams, ...sockets].every(({ isClosed }) => isClosed));

    // The answer ends as it should: with the last piece, not with a broken connection.
    const told = streams.filter(({ text }) => /"reason":"draining","retry_ms":\d+\}\}\nretry: \d+\n\n\r\n0\r\n\r\n$/.test(text));
    expect(told).toHaveLength(400);
    const retries = told.map(({ text }) => Number(/retry: (\d+)\n\n\r\n0/.exec(text)?.[1]));
    // Spread, so that the next server is not stormed.
    expect(new Set(retries).size).toBeGreaterThan(200);
    expect(Math.max(...retries) - Math.min(...retries)).toBeGreaterThan(3000);
    for (const socket of sockets) {
      expect(socket.messages().at(-1)).toMatchObject({ event: "StreamClosing", data: { reason: "draining" } });
      expect(socket.closeCode()).toBe(1001);
    }
  } finally {
    await server.stop();
  }
}, 30_000);

test("a second signal ends at once what the first one would wait for", async () => {
  // A model that never says a word: its job would be given half a minute.
  const model = Bun.serve({ port: 0, fetch: () => new Promise<Response>(() => {}) });
  const server = await ServerProcess.start({ MATRIC_AI_URL: model.url.href, MATRIC_AI_MODEL: "silent" });
  try {
    const post = (path: string, body: unknown) =>
      fetch(`${server.url}/api/v1${path}`, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      });
    const { id } = Value.Decode(
      Type.Object({ id: Type.String() }),
      await (await post("/notes", { title: "Sea", content: "deep" })).json(),
    );
    expect((await post(`/notes/${id}/revise`, {})).status).toBe(202);
    await eventually(() => model.pendingRequests > 0);
    const exited = server.terminate();
    await eventually(async () => (await fetch(`${server.url}/health/ready`)).status === 503);
    const started = performance.now();
    server.terminate("SIGINT");
    expect(await exited).toBe(130);
    expect(performance.now() - started).toBeLessThan(2000);
  } finally {
    await server.stop();
    await model.stop(true);
  }
}, 30_000);

test("SIGTERM amid webhooks: an attempt that ends in time counts, one that does not is made again by the next server", async () => {
  const quick = Promise.withResolvers<Response>();
  const receiver = new Receiver(({ path }) => (path === "/quick" ? quick.promise : new Promise<Response>(() => {})));
  const server = await ServerProcess.start({ MATRIC_WEBHOOK_ALLOW: "127.0.0.1", MATRIC_DRAIN_SECONDS: "1" });
  try {
    const client = createClient({ url: server.url });
    for (const name of ["quick", "hanging"]) {
      await client.webhooks.create({ url: `${receiver.url}/${name}`, events: ["ThingHappened"] });
    }
    await client.events.publish({ event: "ThingHappened", data: { n: 1 } });
    await receiver.received(2);
    const exited = server.terminate();
    await eventually(async () => (await fetch(`${server.url}/health/ready`)).status === 503);
    quick.resolve(new Response("ok"));
    expect(await exited).toBe(0);

    receiver.answer = () => new Response("ok");
    await server.restart();
    await receiver.received(3);
    await eventually(async () => (await client.webhooks.list({})).items.every(({ pending, lag }) => pending + lag === 0));
    const seen = receiver.requests.map(({ path, headers }) => `${path} ${headers["webhook-id"]}`);
    const of = (path: string) => seen.filter((one) => one.startsWith(path));
    expect(of("/quick")).toHaveLength(1);
    // The same event under the same id, so that its receiver can tell.
    expect(of("/hanging")).toHaveLength(2);
    expect(new Set(of("/hanging")).size).toBe(1);
  } finally {
    await server.stop();
    await receiver.stop();
  }
}, 30_000);

test("SIGTERM with TLS: streams by HTTP/1.1 and HTTP/2 are told, also those that began with a former certificate", async () => {
  const first = certificateFor("localhost");
  const second = certificateFor("localhost");
  const files = new LiveCertificate(first);
  const server = await ServerProcess.start({ MATRIC_TLS_CERT: files.certFile, MATRIC_TLS_KEY: files.keyFile });
  const url = server.url.replace("http:", "https:");
  const trusting = { tls: { ca: [first.cert, second.cert] } };
  try {
    const client = await Http2Client.open(url, first.cert);
    const streams = Array.from({ length: 50 }, () => client.stream("/api/v1/events"));
    const lines = await ByteStream.open(`${url}/api/v1/events`, {}, trusting);
    await lines.until("ConnectionOpened");
    await eventually(() => streams.every(({ text }) => text.includes("ConnectionOpened")));
    files.replace(second);
    const shown = () => Http2Client.open(url, second.cert).then((one) => one.close());
    await eventually(() =>
      shown().then(
        () => true,
        () => false,
      ),
    );
    expect(await server.terminate()).toBe(0);
    await eventually(() => streams.every(({ isClosed }) => isClosed));
    expect(streams.filter(({ text }) => text.includes('"reason":"draining"'))).toHaveLength(50);
    expect(await lines.rest()).toContain('"reason":"draining"');
    client.close();
  } finally {
    await server.stop();
    files.remove();
  }
}, 30_000);
