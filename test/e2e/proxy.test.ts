import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Config } from "../../src/config.ts";
import { Health } from "../../src/health.ts";
import { ConnectionInfo } from "../../src/http/connections.ts";
import { type AuthApp, bearer, startAuthApp, TestSocket } from "../support/auth.ts";
import { ByteStream } from "../support/byte-stream.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { Http2Client } from "../support/http2-client.ts";
import { connectAgent } from "../support/mcp.ts";
import { hasProxies, type ProxyName, ProxyProcess } from "../support/proxy.ts";
import { isInstalled, TestBrowser } from "../ui/chromium.ts";
import { isLive } from "../ui/world.ts";

setDefaultTimeout(60_000);

const Connections = Type.Object({ items: Type.Array(ConnectionInfo), next_cursor: Type.Null() });

/** A server as the README says, and the proxy before it. */
async function behind(name: ProxyName, overrides: Partial<Config> = {}, change?: (set: string) => string) {
  const port = freePort();
  const allowedOrigins = [`https://localhost:${port}`, "https://notes.example.com"];
  const matric = await startAuthApp({ allowedOrigins, trustedProxies: ["127.0.0.1"], ...overrides });
  const proxy = await ProxyProcess.start(name, { port, upstream: matric.app.url, ...(change && { change }) });
  return {
    ...matric,
    proxy,
    /** For requests of the test's own. */
    trusting: { tls: { ca: proxy.certificate.cert } },
    headers: bearer(matric.admin),
    async stop() {
      await matric.app.stop();
      await proxy.stop();
    },
  };
}

const open = async (matric: AuthApp): Promise<ConnectionInfo[]> =>
  (await matric.app.call(Connections, "GET", "/connections", { headers: bearer(matric.admin) })).body.items;

async function publish({ app, admin }: AuthApp, event = "ThingHappened"): Promise<void> {
  const { status } = await app.fetch("/api/v1/events", {
    method: "POST",
    body: JSON.stringify({ event, data: {} }),
    headers: { "content-type": "application/json", ...bearer(admin) },
  });
  expect(status).toBe(201);
}

/** Runs curl from an address of this machine; resolves to what it printed. */
async function curl(from: string, ...args: string[]): Promise<string> {
  const child = Bun.spawn(["curl", "-sk", "--max-time", "10", "--interface", from, ...args], { stdout: "pipe" });
  return child.stdout.text();
}

describe.skipIf(!hasProxies).each<ProxyName>(["nginx", "caddy"])("through %s, set up as the README says,", (name) => {
  let world: Awaited<ReturnType<typeof behind>>;
  beforeAll(async () => {
    world = await behind(name, { addressConnectionsMax: 20 });
  });
  afterAll(() => world.stop());

  test.each([
    ["SSE", "text/event-stream"],
    ["NDJSON", "application/x-ndjson"],
  ])("%s brings each event while the stream is open, and leaves when the client does", async (_name, accept) => {
    const { proxy, headers, trusting } = world;
    const stream = await ByteStream.open(`${proxy.url}/api/v1/events`, { ...headers, accept }, trusting);
    await stream.until("ConnectionOpened");
    for (let round = 0; round < 3; round++) {
      await publish(world);
      await stream.until("ThingHappened");
    }
    stream.close();
    // What the client left must not stay open behind the proxy.
    await eventually(async () => (await open(world)).length === 0);
  });

  test("a WebSocket brings events and answers", async () => {
    const { proxy, headers, trusting } = world;
    const socket = new TestSocket(`${proxy.url}/api/v1/ws`, headers, trusting.tls);
    await socket.message(({ event }) => event === "QueueStatus");
    await publish(world);
    await socket.message(({ event }) => event === "ThingHappened");
    socket.send({ op: "ping", ref: 1 });
    expect(await socket.message(({ ref }) => ref === 1)).toMatchObject({ op: "pong" });
    socket.close();
    await eventually(async () => (await open(world)).length === 0);
  });

  test("a long poll is answered when there is something", async () => {
    const { proxy, headers, trusting } = world;
    const { log } = Value.Decode(Health, await (await world.app.fetch("/health")).json());
    const query = `transport=poll&since=${log.head}&events=PollHappened`;
    const answer = fetch(`${proxy.url}/api/v1/events?${query}`, { headers, ...trusting });
    await publish(world, "PollHappened");
    expect(await (await answer).text()).toContain("PollHappened");
  });

  test("by HTTP/2, one connection carries many streams", async () => {
    const { proxy, headers } = world;
    const client = await Http2Client.open(proxy.url, proxy.certificate.cert);
    const streams = Array.from({ length: 15 }, () => client.stream("/api/v1/events", headers));
    await eventually(() => streams.every(({ text }) => text.includes("ConnectionOpened")));
    await publish(world);
    await eventually(() => streams.every(({ text }) => text.includes("ThingHappened")));
    client.close();
    await eventually(async () => (await open(world)).length === 0);
  });

  test("limits count the client's address, whatever it says itself", async () => {
    const { proxy, headers } = world;
    const token = `authorization: ${headers.authorization}`;
    const stream = (from: string) =>
      curl(from, "-N", "--max-time", "3", "-H", token, "-H", "x-forwarded-for: 10.9.9.9", `${proxy.url}/api/v1/events`);
    const many = Array.from({ length: 20 }, () => stream("127.0.0.2"));
    await eventually(async () => (await open(world)).length === 20);
    expect(await stream("127.0.0.2")).toContain('"reason":"draining"');
    expect(await stream("127.0.0.3")).toContain("ConnectionOpened");
    await Promise.all(many);
    await eventually(async () => (await open(world)).length === 0);
  });

  test("an agent works over MCP, and waits for events", async () => {
    const { proxy, headers, trusting } = world;
    const agent = await connectAgent(`${proxy.url}/mcp`, "2025-11-25", (url, init) =>
      fetch(url, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), ...headers }, ...trusting }),
    );
    const { next_cursor } = await agent.call<{ next_cursor: string }>("wait_for_events", { timeout_ms: 0 });
    const waiting = agent.call<{ events: object[] }>("wait_for_events", { after: next_cursor, timeout_ms: 20_000 });
    await agent.call("create_note", { title: "By an agent", content: "" });
    expect((await waiting).events).toMatchObject([{ event: "NoteCreated", actor: { kind: "agent" } }]);
    await agent.close();
  });

  test("the server answers to its public name, and to no page of somebody else", async () => {
    const { port } = new URL(world.proxy.url);
    const asked = (host: string, ...more: string[]) =>
      curl(
        "127.0.0.1",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version} %{http_code}",
        "--resolve",
        `${host}:${port}:127.0.0.1`,
        ...more,
        `https://${host}:${port}/health`,
      );
    expect(await asked("notes.example.com")).toBe("2 200");
    expect(await asked("localhost", "-H", "origin: https://evil.example")).toBe("2 403");
    expect(await asked("localhost", "-H", `origin: https://localhost:${port}`)).toBe("2 200");
  });

  test.skipIf(!isInstalled)("the page signs in, with a cookie that never leaves TLS, and is live", async () => {
    const browser = await TestBrowser.open({ ignoreHTTPSErrors: true });
    try {
      browser.expectComplaints(/401/);
      const page = await browser.page();
      await page.goto(world.proxy.url);
      await page.getByLabel("Access token").fill(world.admin);
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await isLive(page);
      const [cookie] = await browser.context.cookies();
      expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: "Strict" });
      const protocol = "performance.getEntriesByType('navigation')[0].nextHopProtocol";
      expect(await page.evaluate<string>(protocol)).toBe("h2");
    } finally {
      await browser.close();
    }
  });
});

describe.skipIf(!hasProxies)("idle hours, a hundred times as quick,", () => {
  /** nginx cuts what is silent for two minutes; here for 1.2 s, and heartbeats come as much more often. */
  const hurried = (set: string) => set.replaceAll(" 120s;", " 1200ms;");
  const heartbeats = { sseHeartbeatSeconds: 0.15, wsPingSeconds: 0.3, pollSeconds: 0.25 };

  test.each<ProxyName>(["nginx", "caddy"])("leave streams through %s open", async (name) => {
    const world = await behind(name, heartbeats, hurried);
    const { proxy, headers, trusting } = world;
    try {
      const stream = await ByteStream.open(`${proxy.url}/api/v1/events`, headers, trusting);
      const lines = await ByteStream.open(`${proxy.url}/api/v1/events`, { ...headers, accept: "application/x-ndjson" }, trusting);
      const socket = new TestSocket(`${proxy.url}/api/v1/ws`, headers, trusting.tls);
      await socket.message(({ event }) => event === "QueueStatus");
      // Several times as long as nginx would wait.
      await Bun.sleep(5000);
      await publish(world);
      await stream.until("ThingHappened");
      await lines.until("ThingHappened");
      await socket.message(({ event }) => event === "ThingHappened");
      expect(await open(world)).toHaveLength(3);
    } finally {
      await world.stop();
    }
  });

  test("would end them without heartbeats", async () => {
    const world = await behind("nginx", { sseHeartbeatSeconds: 60 }, hurried);
    try {
      const stream = await ByteStream.open(`${world.proxy.url}/api/v1/events`, world.headers, world.trusting);
      await stream.until("ConnectionOpened");
      await stream.rest().catch(() => {});
      await eventually(async () => (await open(world)).length === 0);
    } finally {
      await world.stop();
    }
  });
});
