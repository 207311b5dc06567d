import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { TcpClient } from "../support/tcp-client.ts";

let app: TestApp;
let own: string;

beforeAll(async () => {
  app = await startApp({ allowedOrigins: ["https://notes.example", "http://localhost:3000"] });
  own = new URL(app.url).host;
});
afterAll(() => app.stop());

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Each surface: REST, SSE, long poll, WebSocket, agents, the page, the documents. */
const surfaces: [name: string, path: string, init: RequestInit][] = [
  ["reading", "/api/v1/notes", {}],
  [
    "writing",
    "/api/v1/notes",
    { method: "POST", headers: { "content-type": "application/json" }, body: '{"title":"a","content":"b"}' },
  ],
  ["SSE", "/api/v1/events", { headers: { accept: "text/event-stream" } }],
  ["long poll", "/api/v1/events?transport=poll&wait_seconds=0", {}],
  ["WebSocket", "/api/v1/ws", { headers: upgrade }],
  ["agents", "/mcp", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }],
  ["health", "/health", {}],
  ["documents", "/swagger/json", {}],
  ["nothing", "/nothing", {}],
];

async function status(path: string, init: RequestInit, headers: Record<string, string>): Promise<number> {
  const aborted = new AbortController();
  const response = await app.fetch(path, { ...init, headers: { ...init.headers, ...headers }, signal: aborted.signal });
  aborted.abort();
  return response.status;
}

describe.each(surfaces)("%s", (_name, path, init) => {
  test.each([
    "https://evil.example",
    "http://notes.example",
    "https://notes.example:444",
    "https://notes.example.evil.example",
    "https://evil-notes.example",
    "http://localhost:3001",
    "http://localhost",
    "null",
    "file://",
    "https://<own>",
    "ftp://<own>",
    "",
    "https://notes.example, https://evil.example",
  ])("refuses the origin %j", async (origin) => {
    expect(await status(path, init, { origin: origin.replace("<own>", own) })).toBe(403);
  });

  test("refuses what the browser says comes from another site", async () => {
    for (const site of ["cross-site", "same-site"]) {
      for (const mode of ["no-cors", "cors", "navigate", "websocket"]) {
        expect([
          site,
          mode,
          await status(path, init, { "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": "iframe" }),
        ]).toEqual([site, mode, 403]);
      }
    }
  });

  test("refuses a name that is not this machine's", async () => {
    for (const host of [
      "evil.example",
      `evil.example:${new URL(app.url).port}`,
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "10.0.0.1",
      "[::2]",
      "evil@localhost",
    ]) {
      expect([host, await status(path, init, { host })]).toEqual([host, 403]);
    }
  });

  test("takes its own origin, those that are allowed, and this machine's names", async () => {
    const good: Record<string, string>[] = [
      { origin: `http://${own}` },
      { origin: "https://notes.example" },
      { origin: "HTTPS://NOTES.EXAMPLE" },
      { origin: "http://localhost:3000" },
      { host: "localhost" },
      { host: "LOCALHOST:80" },
      { host: "127.3.2.1:1" },
      { host: "[::1]:6287" },
      { host: "notes.example", origin: "https://notes.example" },
      { host: "localhost:80", origin: "http://localhost" },
      { "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
    ];
    for (const headers of good) expect([headers, await status(path, init, headers)]).not.toEqual([headers, 403]);
  });
});

test("the user may follow a link to the page", async () => {
  const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  expect(await status("/swagger", {}, headers)).toBe(200);
});

test("a refusal tells what would be right, and repeats little", async () => {
  const response = await app.fetch("/health", { headers: { origin: `https://${"x".repeat(5000)}` } });
  const problem = await response.text();
  expect(JSON.parse(problem)).toMatchObject({ code: "forbidden", detail: expect.stringContaining("MATRIC_ALLOWED_ORIGINS") });
  expect(problem.length).toBeLessThan(1000);
});

describe("a page of an allowed origin", () => {
  const origin = "https://notes.example";

  test("may read answers, errors and streams, without any cookie", async () => {
    for (const [path, expected] of [
      ["/api/v1/notes", 200],
      ["/api/v1/notes/some", 404],
      ["/nothing", 404],
      ["/api/v1/events", 200],
    ] as const) {
      const aborted = new AbortController();
      const response = await app.fetch(path, { headers: { origin }, signal: aborted.signal });
      expect([path, response.status]).toEqual([path, expected]);
      expect(response.headers.get("access-control-allow-origin")).toBe(origin);
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
      expect(response.headers.get("vary")?.toLowerCase()).toContain("origin");
      expect(response.headers.get("access-control-expose-headers")).toContain("etag");
      aborted.abort();
    }
  });

  test("asks before it writes, and is told what it may", async () => {
    const headers = {
      origin,
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "authorization, if-match",
    };
    const response = await app.fetch("/api/v1/notes/some", { method: "OPTIONS", headers });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    expect(response.headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(response.headers.get("access-control-allow-headers")).toContain("authorization");
    const foreign = await app.fetch("/api/v1/notes/some", {
      method: "OPTIONS",
      headers: { ...headers, origin: "https://evil.example" },
    });
    expect([foreign.status, foreign.headers.get("access-control-allow-origin")]).toEqual([403, null]);
  });
});

test("an answer to a program says nothing of origins", async () => {
  const response = await app.fetch("/api/v1/notes");
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
});

test("a server that others reach takes any name, and still no foreign origin", async () => {
  const open = await startApp({ host: "0.0.0.0" });
  try {
    const at = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${new URL(open.url).port}/health`, { headers });
    expect((await at({ host: "notes.lan" })).status).toBe(200);
    expect((await at({ host: "notes.lan", origin: "http://notes.lan" })).status).toBe(200);
    expect((await at({ host: "notes.lan", origin: "http://evil.example" })).status).toBe(403);
  } finally {
    await open.stop();
  }
});

test("every answer bears the headers that keep a browser from misusing it", async () => {
  const paths = [
    "/",
    "/health",
    "/health/ready",
    "/swagger",
    "/swagger/json",
    "/swagger/start.js",
    "/api/v1/notes",
    "/api/v1/notes/some",
    "/api/v1/events",
    "/api/v1/event-types",
    "/api/v1/connections",
    "/api/v1/queue",
    "/api/v1/asyncapi.json",
    "/api/v1/session",
    "/nothing",
    "/mcp",
    "/api/v1/backup",
    "/api/v1/webhooks",
  ];
  for (const path of paths) {
    const aborted = new AbortController();
    const { headers } = await app.fetch(path, { signal: aborted.signal });
    expect([path, headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
    expect([path, headers.get("content-security-policy")]).toEqual([path, expect.stringContaining("frame-ancestors 'none'")]);
    aborted.abort();
  }
});

describe("an address that is none", () => {
  test.each(["local host", "[", "localhost:99999", "<x>", "%zz"])(
    "in `Host: %s` is malformed where any name will do",
    async (host) => {
      const reachable = await startApp({ host: "0.0.0.0" });
      try {
        for (const path of ["/health", "/api/v1/events?limit=1", "/nothing"]) {
          const client = await TcpClient.open(reachable.url);
          client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n`);
          await eventually(() => client.isClosed);
          expect([path, client.text.split("\r\n")[0]]).toEqual([path, "HTTP/1.1 400 Bad Request"]);
          expect(client.text).toContain('"code":"malformed"');
        }
      } finally {
        await reachable.stop();
      }
    },
  );
});

test("HTTP/1.0, as checks of load balancers speak it, needs no Host", async () => {
  const client = async (path: string) => {
    const tcp = await TcpClient.open(app.url);
    tcp.send(`GET ${path} HTTP/1.0\r\nAccept: application/json\r\n\r\n`);
    await eventually(() => tcp.text.includes("\r\n\r\n"));
    tcp.close();
    return tcp.text.split("\r\n")[0];
  };
  expect(await client("/health/ready")).toBe("HTTP/1.1 200 OK");
  expect(await client("/api/v1/events?limit=1")).toBe("HTTP/1.1 200 OK");
  expect(await client("/api/v1/asyncapi.json")).toBe("HTTP/1.1 200 OK");
  expect(await client("/swagger")).toBe("HTTP/1.1 200 OK");
  expect(await client("/nothing")).toBe("HTTP/1.1 404 Not Found");
});

test.each(["/", "/swagger"])("the page at %s is framed by nobody, and tells nobody where its reader comes from", async (path) => {
  const { headers } = await app.fetch(path);
  const shown = ["x-frame-options", "referrer-policy", "cross-origin-opener-policy"].map((name) => headers.get(name));
  expect(shown).toEqual(["DENY", "no-referrer", "same-origin"]);
});
