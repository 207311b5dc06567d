import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import fc from "fast-check";
import { EventPage } from "../../src/events/contract.ts";
import { errorLog } from "../support/error-log.ts";
import { eventually } from "../support/eventually.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { TcpClient } from "../support/tcp-client.ts";

const runs = Number(process.env.MATRIC_TEST_RUNS ?? 300);
const { logger, errors } = errorLog();
let app: TestApp;

beforeAll(async () => {
  app = await startApp({ bodySeconds: 1 }, { logger });
});
afterAll(() => app.stop());

/** Whatever came, others are served and nothing broke inside. */
afterEach(async () => {
  expect((await app.fetch("/health")).status).toBe(200);
  expect(errors).toEqual([]);
});

const head = "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const get = "GET /health HTTP/1.1\r\nHost: localhost\r\n";
/** What a proxy in front would have taken for a part of the body. */
const smuggled = `${head}Content-Length: 31\r\n\r\n{"event":"Smuggled0","data":{}}`;

/** Sends bytes as they are; resolves with all that came until the server closed, or until an answer came and then nothing more. */
async function exchange(bytes: string | Uint8Array): Promise<{ statuses: number[]; text: string; isClosed: boolean }> {
  const client = await TcpClient.open(app.url);
  client.send(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  await eventually(() => client.isClosed || client.size > 0);
  // A second answer would have been made by now.
  for (let count = 0; count < 3 && !client.isClosed; count++) await (await app.fetch("/health")).text();
  const { text, isClosed } = client;
  client.close();
  return { statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)), text, isClosed };
}

async function smuggledEvents(): Promise<number> {
  const headers = { accept: "application/json" };
  return (await app.call(EventPage, "GET", "/events?events=Smuggled0", { headers })).body.items.length;
}

describe("a body whose length can be read in two ways is refused, and its connection closed", () => {
  test.each([
    ["both lengths", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["both, the other way round", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"],
    ["two lengths", "Content-Length: 2\r\nContent-Length: 120\r\n\r\n{}"],
    ["a list of lengths", "Content-Length: 2, 120\r\n\r\n{}"],
    ["a coding that is none", "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
    ["a coding after chunked", "Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
    ["a coding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
    ["a blank before the colon", "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"],
    ["a length with a sign", "Content-Length: +2\r\n\r\n{}"],
    ["a negative length", "Content-Length: -1\r\n\r\n{}"],
    ["a hexadecimal length", "Content-Length: 0x2\r\n\r\n{}"],
    ["no length", "Content-Length: \r\n\r\n{}"],
    ["a length beyond all numbers", "Content-Length: 99999999999999999999999\r\n\r\n{}"],
    ["a chunk with 0x", "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n"],
    ["a negative chunk", "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n"],
    ["a chunk beyond all numbers", "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"],
    ["chunks with bare newlines", "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n"],
    ["a chunk longer than it says", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n"],
    ["a folded header", "X-A: b\r\n Content-Length: 2\r\n\r\n{}"],
  ])("%s", async (_what, rest) => {
    const { statuses, isClosed } = await exchange(`${head}${rest}${smuggled}`);
    expect([statuses, isClosed]).toEqual([[400], true]);
    expect(await smuggledEvents()).toBe(0);
  });
});

test("a chunk that is said to be of many gigabytes is read as far as any body", async () => {
  const client = await TcpClient.open(app.url);
  client.send(`${head}Transfer-Encoding: chunked\r\n\r\nFFFFFFFF0\r\n${" ".repeat(1024 * 1024 + 1)}`);
  await eventually(() => client.text.includes("HTTP/1.1 413"));
  client.close();
});

describe("requests that are none, or hardly, get a refusal or nothing", () => {
  test.each<[what: string, bytes: string]>([
    ["a NUL in a header", `${get}X-A: b\0c\r\n\r\n`],
    ["a NUL in a name", `${get}X\0A: b\r\n\r\n`],
    ["a NUL in the path", "GET /hea\0lth HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["bare newlines", "GET /health HTTP/1.1\nHost: localhost\n\n"],
    ["a bare carriage return", "GET /health HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n"],
    ["a newline in a value", `${get}X: a\nContent-Length: 5\r\n\r\n`],
    ["no host", "GET /health HTTP/1.1\r\n\r\n"],
    ["an empty host", "GET /health HTTP/1.1\r\nHost:\r\n\r\n"],
    ["two hosts", `${get}Host: evil.example\r\n\r\n`],
    ["two hosts, the good one last", "GET /health HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n"],
    ["two origins", `${get}Origin: http://localhost\r\nOrigin: http://evil.example\r\n\r\n`],
    ["a whole URL to a host that is not ours", "GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n\r\n"],
    ["HTTP 0.9", "GET /health\r\n"],
    ["HTTP 1.2", "GET /health HTTP/1.2\r\nHost: localhost\r\n\r\n"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["TLS", `\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03${"\0".repeat(190)}`],
    ["a tunnel", "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["every address at once", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["an endless method", `${"A".repeat(5000)} / HTTP/1.1\r\nHost: localhost\r\n\r\n`],
    ["an endless path", `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
    ["a flood of headers", `${get}${Array.from({ length: 5000 }, (_, index) => `X-${index}: a\r\n`).join("")}\r\n`],
    ["a header without end", `${get}X: ${"a".repeat(200_000)}`],
    ["a path out of the tree", "GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["an asset out of the tree", "GET /assets/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["an escape that is none", "GET /api/v1/notes/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["an escape that is no UTF-8", "GET /api/v1/notes/%ff%fe?q=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["a path that is no ASCII", "GET /api/v1/notes/\xe9 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["another host's path", "GET //evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    [
      "a WebSocket without a key",
      "GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
  ])("%s", async (_what, bytes) => {
    const { statuses, text } = await exchange(bytes);
    for (const status of statuses) expect([status, (status >= 400 && status < 500) || status === 505]).toEqual([status, true]);
    expect(text).not.toContain("root:");
  });
});

test("of requests that come in one piece each is answered, in order", async () => {
  const client = await TcpClient.open(app.url);
  const paths = ["/health", "/nothing", "/api/v1/queue", "/health"];
  client.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(""));
  const statuses = () => [...client.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
  await eventually(() => statuses().length === paths.length);
  expect(statuses()).toEqual(["200", "404", "200", "200"]);
  client.close();
});

test(
  "bytes that are changed, cut, doubled or swapped at random never make it fail",
  async () => {
    const valid = [
      `${get}Accept: */*\r\n\r\n`,
      `${head}Content-Length: 31\r\n\r\n{"event":"ThingDone","data":{}}`,
      `${head}Transfer-Encoding: chunked\r\n\r\n10\r\n{"event":"ThingD\r\nf\r\none","data":{}}\r\n0\r\n\r\n`,
      `GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${btoa("x".repeat(16))}\r\n\r\n`,
      `PATCH /api/v1/notes/some?limit=5 HTTP/1.1\r\nHost: localhost\r\nIf-Match: "1"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    ];
    const change = fc.record({
      at: fc.nat(400),
      byte: fc.nat(255),
      how: fc.constantFrom("replace", "insert", "remove", "double", "cut"),
    });
    const requests = fc
      .tuple(fc.constantFrom(...valid), fc.array(change, { minLength: 1, maxLength: 4 }))
      .map(([text, changes]) => {
        let bytes = [...Buffer.from(text, "latin1")];
        for (const { at, byte, how } of changes) {
          const place = at % Math.max(1, bytes.length);
          if (how === "replace") bytes[place] = byte;
          else if (how === "insert") bytes.splice(place, 0, byte);
          else if (how === "remove") bytes.splice(place, 1);
          else if (how === "double") bytes = [...bytes, ...bytes.slice(place)];
          else bytes = bytes.slice(0, place);
        }
        return Buffer.from(bytes);
      });
    const property = fc.asyncProperty(requests, async (bytes) => {
      const client = await TcpClient.open(app.url);
      client.send(bytes);
      await (await app.fetch("/health")).text();
      client.close();
      const statuses = [...client.text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
      for (const status of statuses) expect([status, status < 500 || status === 505]).toEqual([status, true]);
    });
    await fc.assert(property, { numRuns: runs, seed: 1 });
  },
  60_000 + runs * 100,
);

test("nothing of it is left open", async () => {
  const Connections = Type.Object({ items: Type.Array(Type.Any()), next_cursor: Type.Null() });
  await eventually(async () => (await app.call(Connections, "GET", "/connections")).body.items.length === 0);
});
