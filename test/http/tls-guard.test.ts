import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:http2";
import { type AuthApp, bearer, startAuthApp } from "../support/auth.ts";
import { certificateFor, LiveCertificate } from "../support/certificate.ts";
import { eventually } from "../support/eventually.ts";
import { Http2Client } from "../support/http2-client.ts";

const { cert, key } = certificateFor("localhost");
let server: AuthApp;
let files: LiveCertificate;
let url: string;
let client: Http2Client;

beforeAll(async () => {
  files = new LiveCertificate({ cert, key });
  const allowedOrigins = ["https://notes.example"];
  server = await startAuthApp({
    tlsCert: files.certFile,
    tlsKey: files.keyFile,
    bodySeconds: 0.3,
    connectionsMax: 1,
    allowedOrigins,
  });
  url = server.app.url.replace("127.0.0.1", "localhost");
  client = await Http2Client.open(url, cert);
});
afterAll(async () => {
  client.close();
  await server.app.stop();
  files.remove();
});

test.each<[status: number, headers: Record<string, string>]>([
  [200, {}],
  [200, { origin: "https://notes.example" }],
  [403, { ":authority": "evil.example" }],
  [403, { host: "evil.example" }],
  [403, { origin: "https://evil.example" }],
  [403, { origin: "null" }],
  [403, { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" }],
])("by HTTP/2 other sites and names are refused as by HTTP/1: %d for %j", async (status, headers) => {
  expect((await client.get("/health", headers)).status).toBe(status);
});

test("by HTTP/2 the page's own origin is taken, a token is asked for, and a name that is said in two ways is refused", async () => {
  expect((await client.get("/health", { origin: url })).status).toBe(200);
  expect((await client.get("/api/v1/notes")).status).toBe(401);
  expect((await client.get("/api/v1/notes", bearer(server.admin))).status).toBe(200);
  expect((await client.get("/health", { ":authority": "evil.example", host: "localhost" })).status).not.toBe(200);
});

test("by HTTP/2 a body that does not arrive is given up, and a stream that finds no room is told so", async () => {
  const session = connect(url, { ca: cert });
  const stream = session.request({
    ":path": "/api/v1/notes",
    ":method": "POST",
    "content-type": "application/json",
    ...bearer(server.admin),
  });
  let status = 0;
  stream.on("response", (headers) => {
    status = Number(headers[":status"]);
  });
  stream.on("error", () => {});
  stream.write("{");
  await eventually(() => status === 408);
  session.destroy();
  const held = client.stream("/api/v1/events", bearer(server.admin));
  await eventually(() => held.text.includes("ConnectionOpened"));
  const refused = await client.get("/api/v1/events", bearer(server.admin));
  expect([refused.status, refused.text]).toEqual([200, expect.stringContaining('"reason":"draining"')]);
  // The connection is shared with others: it stays.
  expect(client.isClosed).toBe(false);
  held.cancel();
});
