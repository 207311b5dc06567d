import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:tls";
import { systemClock } from "../../src/clock.ts";
import { createLogger } from "../../src/logger.ts";
import { bearer, startAuthApp, TestSocket } from "../support/auth.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { certificateFor, fingerprintOf, type KeyAndCert, LiveCertificate } from "../support/certificate.ts";
import { eventually } from "../support/eventually.ts";
import { Http2Client } from "../support/http2-client.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { TcpClient } from "../support/tcp-client.ts";

let first: KeyAndCert;
let second: KeyAndCert;
let files: LiveCertificate;

beforeAll(() => {
  first = certificateFor("localhost");
  second = certificateFor("localhost");
});

beforeEach(() => {
  files = new LiveCertificate(first);
});

afterEach(() => files.remove());

const settings = () => ({ tlsCert: files.certFile, tlsKey: files.keyFile });
/** Trusts both certificates. */
const trusting = () => ({ tls: { ca: [first.cert, second.cert] } });

async function publish(app: TestApp, n: number): Promise<number> {
  const response = await app.fetch("/api/v1/events", {
    ...trusting(),
    method: "POST",
    body: JSON.stringify({ event: "ThingHappened", data: { n } }),
    headers: { "content-type": "application/json" },
  });
  return response.status;
}

/** What a new connection is shown: the certificate's fingerprint; undefined when there is none to be had. */
function shown(app: TestApp, maxVersion: "TLSv1.1" | "TLSv1.2" | "TLSv1.3" = "TLSv1.3"): Promise<string | undefined> {
  const { port, hostname } = new URL(app.url);
  return new Promise((resolve) => {
    const options = { host: hostname, port: Number(port), rejectUnauthorized: false, minVersion: "TLSv1" as const, maxVersion };
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", () => resolve(undefined));
  });
}

describe("with a certificate", () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startApp({ ...settings(), sseHeartbeatSeconds: 0.5 });
  });
  afterEach(() => app.stop());

  test("everything is served over TLS: requests, SSE, NDJSON, long polls and WebSockets", async () => {
    expect(app.url).toStartWith("https://127.0.0.1:");
    const sse = await ByteStream.open(`${app.url}/api/v1/events`, {}, trusting());
    await sse.until("ConnectionOpened");
    const lines = await ByteStream.open(`${app.url}/api/v1/events`, { accept: "application/x-ndjson" }, trusting());
    await lines.until("ConnectionOpened");
    const socket = new TestSocket(`${app.url}/api/v1/ws`, {}, trusting().tls);
    await socket.message(({ event }) => event === "QueueStatus");
    const poll = app.fetch("/api/v1/events?transport=poll&since=latest", trusting());
    await eventually(async () => (await app.fetch("/health", trusting())).ok);
    expect(await publish(app, 1)).toBe(201);
    await sse.until('"n":1');
    await lines.until('"n":1');
    expect(await socket.message(({ event }) => event === "ThingHappened")).toMatchObject({ data: { n: 1 } });
    expect((await poll).status).toBe(200);
    sse.close();
    lines.close();
    socket.close();
  });

  test("who does not speak TLS gets no answer", async () => {
    const client = await TcpClient.open(app.url);
    client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await eventually(() => client.isClosed);
    expect(client.text).toBe("");
  });

  test("its port is nobody else's, with a certificate or without", async () => {
    const port = Number(new URL(app.url).port);
    for (const certificate of [settings(), {}]) {
      await expect(startApp({ port, ...certificate })).rejects.toMatchObject({ code: "address_in_use" });
    }
  });

  test("TLS begins at 1.2", async () => {
    expect(await shown(app, "TLSv1.1")).toBeUndefined();
    expect(await shown(app, "TLSv1.2")).toBe(fingerprintOf(first));
    expect(await shown(app, "TLSv1.3")).toBe(fingerprintOf(first));
  });

  test("by HTTP/2, one connection carries a hundred streams at once, and requests beside them", async () => {
    const client = await Http2Client.open(app.url, first.cert);
    const streams = Array.from({ length: 100 }, () => client.stream("/api/v1/events"));
    await eventually(() => streams.every(({ text }) => text.includes("ConnectionOpened")));
    expect((await client.post("/api/v1/events", { event: "ThingHappened", data: { n: 7 } })).status).toBe(201);
    await eventually(() => streams.every(({ text }) => text.includes('"n":7')));
    // Quiet ones are kept awake, and one that goes away takes none along.
    await eventually(() => streams.every(({ text }) => text.includes(": heartbeat")));
    streams[0]?.cancel();
    await eventually(async () => JSON.parse((await client.get("/api/v1/connections")).text).items.length === 99);
    client.close();
  });

  test("by HTTP/2, headers that are too large are refused, too, and the connection goes on", async () => {
    const client = await Http2Client.open(app.url, first.cert);
    const refused = await client.get("/health", { "x-long": "x".repeat(20_000) });
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([431, "headers_too_large"]);
    expect((await client.get("/health", { "x-long": "x".repeat(10_000) })).status).toBe(200);
    client.close();
  });

  test("by HTTP/2, `*` is no path", async () => {
    const client = await Http2Client.open(app.url, first.cert);
    expect((await client.get("*", { ":method": "OPTIONS" })).status).toBe(405);
    client.close();
  });

  test("a page that came without TLS is none of the server's own", async () => {
    const own = new URL(app.url).host;
    const asked = (origin: string) => app.fetch("/api/v1/notes", { ...trusting(), headers: { origin } });
    expect((await asked(`http://${own}`)).status).toBe(403);
    expect((await asked(`https://${own}`)).status).toBe(200);
  });
});

test("by HTTP/2, a stream whose client takes nothing is ended alone", async () => {
  const clock = new ManualClock(Date.now());
  const app = await startApp(settings(), { clock });
  const client = await Http2Client.open(app.url, first.cert);
  try {
    const [slow, good] = [client.stream("/api/v1/events"), client.stream("/api/v1/events?events=OtherHappened")];
    await eventually(() => [slow, good].every(({ text }) => text.includes("ConnectionOpened")));
    slow.pause();
    const data = { text: "x".repeat(60_000) };
    for (let sent = 0; sent < 20; sent++) {
      await client.post("/api/v1/events", { event: "ThingHappened", data });
      await clock.advance(5);
    }
    await clock.advance(62_000);
    // It is told, but what tells it is not kept for ever for somebody who does not come to fetch it.
    await clock.advance(60_000);
    await eventually(() => slow.isClosed && slow.resetCode !== 0);
    expect((await client.post("/api/v1/events", { event: "OtherHappened", data: {} })).status).toBe(201);
    await clock.advance(100);
    await eventually(() => good.text.includes("OtherHappened"));
  } finally {
    client.close();
    await app.stop();
  }
});

test("a certificate that has expired is used, with a warning", async () => {
  files.replace(certificateFor("localhost", { expired: true }));
  const lines: string[] = [];
  const logger = createLogger({ clock: systemClock, sink: { write: (line) => lines.push(line) }, level: "warn", format: "json" });
  const app = await startApp({ ...settings(), telemetry: "off" }, { logger });
  await app.stop();
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "WARN", message: expect.stringContaining("is not valid at this time") },
  ]);
});

test.each(["::1", "localhost", "127.0.0.2"])("a certificate serves %s", async (host) => {
  const app = await startApp({ ...settings(), host });
  try {
    const response = await app.fetch("/health", { tls: { rejectUnauthorized: false } });
    expect(response.status).toBe(200);
  } finally {
    await app.stop();
  }
});

test("the page's cookie never leaves TLS", async () => {
  const { app, admin } = await startAuthApp(settings());
  try {
    const request = { ...trusting(), headers: { "content-type": "application/json" } };
    const body = JSON.stringify({ token: admin });
    const signedIn = await app.fetch("/api/v1/session", { ...request, method: "POST", body });
    expect(signedIn.headers.get("set-cookie")).toMatch(/^matric_token=\S+; Path=\/; HttpOnly; SameSite=Strict; Secure;/);
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const socket = new TestSocket(`${app.url}/api/v1/ws`, { cookie, origin: app.url }, trusting().tls);
    await socket.message(({ event }) => event === "QueueStatus");
    socket.close();
    expect((await app.fetch("/api/v1/notes", { ...trusting(), headers: bearer(admin) })).status).toBe(200);
  } finally {
    await app.stop();
  }
});

describe("another certificate in the files", () => {
  let clock: ManualClock;
  let app: TestApp;
  let lines: { level: string; message: string; fields: Record<string, string> }[];

  beforeEach(async () => {
    clock = new ManualClock(Date.now());
    lines = [];
    const sink = { write: (line: string) => lines.push(JSON.parse(line)) };
    const logger = createLogger({ clock, sink, level: "info", format: "json" });
    app = await startApp({ ...settings(), telemetry: "off" }, { clock, logger });
  });
  afterEach(() => app.stop());

  const told = () => lines.filter(({ message }) => message.includes("certificate"));

  test("is shown to whoever comes next, while every stream that is open goes on", async () => {
    const sse = await ByteStream.open(`${app.url}/api/v1/events`, {}, trusting());
    await sse.until("ConnectionOpened");
    const socket = new TestSocket(`${app.url}/api/v1/ws`, {}, trusting().tls);
    await socket.message(({ event }) => event === "QueueStatus");
    const client = await Http2Client.open(app.url, first.cert);
    const stream = client.stream("/api/v1/events");
    await eventually(() => stream.text.includes("ConnectionOpened"));
    const poll = app.fetch("/api/v1/events?transport=poll&since=latest&events=ThingHappened", trusting());

    files.replace(second);
    await clock.advance(5000);
    expect(await shown(app)).toBe(fingerprintOf(second));
    expect(told()).toMatchObject([{ level: "INFO", message: "the certificate was renewed" }]);

    expect(await publish(app, 42)).toBe(201);
    await clock.advance(100);
    await sse.until('"n":42');
    await socket.message(({ event }) => event === "ThingHappened");
    await eventually(() => stream.text.includes('"n":42'));
    expect(await (await poll).text()).toContain('"n":42');

    // And again: what was opened with the second one lives on beside the third.
    const later = await ByteStream.open(`${app.url}/api/v1/events`, {}, trusting());
    await later.until("ConnectionOpened");
    files.replace(first);
    await clock.advance(5000);
    expect(await shown(app)).toBe(fingerprintOf(first));
    await app.fetch("/health", trusting());
    expect(await publish(app, 43)).toBe(201);
    await clock.advance(100);
    for (const one of [sse, later]) await one.until('"n":43');
    // The server's end is everybody's.
    const stopped = app.stop();
    for (const one of [sse, later]) expect(await one.rest()).toContain('"reason":"draining"');
    expect((await socket.closed).code).toBe(1001);
    await eventually(() => stream.text.includes('"reason":"draining"'));
    await clock.advance(2000);
    await stopped;
    client.close();
  });

  test("that is half written, or has another key, changes nothing and is told once; the whole one is taken then", async () => {
    files.replaceCert(second.cert.slice(0, 300));
    await clock.advance(60_000);
    files.replaceCert(second.cert);
    await clock.advance(60_000);
    expect(await shown(app)).toBe(fingerprintOf(first));
    expect(told().map(({ level, message, fields }) => [level, message, fields.error])).toEqual([
      ["ERROR", "the new certificate cannot be used; the old one stays", expect.stringContaining("no certificate in PEM form")],
      ["ERROR", "the new certificate cannot be used; the old one stays", expect.stringContaining("is not the key of")],
    ]);
    files.replace(second);
    await clock.advance(5000);
    expect(await shown(app)).toBe(fingerprintOf(second));
  });

  test("that is being written is waited for in silence", async () => {
    files.replaceCert(second.cert);
    await clock.advance(2000);
    files.replace(second);
    await clock.advance(4000);
    expect(await shown(app)).toBe(fingerprintOf(second));
    expect(told().map(({ level }) => level)).toEqual(["INFO"]);
  });

  test("files that vanish change nothing", async () => {
    const { certFile } = files;
    await Bun.file(certFile).delete();
    await clock.advance(10_000);
    expect(await shown(app)).toBe(fingerprintOf(first));
    expect(told()).toMatchObject([{ level: "ERROR", fields: { error: expect.stringContaining("does not exist") } }]);
  });

  test("is asked for once when the old one has expired", async () => {
    expect(told()).toEqual([]);
    clock.jump(3 * 86_400_000);
    await clock.advance(10_000);
    expect(told()).toMatchObject([{ level: "WARN", message: expect.stringContaining("is not valid at this time") }]);
  });
});
