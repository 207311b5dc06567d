import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { Type } from "@sinclair/typebox";
import { MatricError } from "../../src/errors.ts";
import { RateLimit, Refusals } from "../../src/http/limits.ts";
import { addressReader } from "../../src/http/limits-address.ts";
import { Problem } from "../../src/http/problem.ts";
import { Job } from "../../src/jobs/contract.ts";
import { bearer, startAuthApp, TestSocket } from "../support/auth.ts";
import { errorLog } from "../support/error-log.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { startApp } from "../support/start-app.ts";
import { TcpClient } from "../support/tcp-client.ts";

describe("requests per second", () => {
  test("a second's worth may come at once, then as many as pass by", async () => {
    const clock = new ManualClock();
    const rate = new RateLimit(10, clock, "requests_per_token");
    const taken = () => {
      for (let count = 0; ; count++) {
        try {
          rate.take("a");
        } catch (error) {
          expect(error).toMatchObject({ code: "rate_limited", details: { retry_after_seconds: 1, limit: "requests_per_token" } });
          return count;
        }
      }
    };
    expect(taken()).toBe(10);
    await clock.advance(500);
    expect(taken()).toBe(5);
    await clock.advance(60_000);
    expect(taken()).toBe(10);
    // Of another one nothing was taken.
    rate.take("b");
  });

  test("0 means any number, and a million keys cost a bounded amount", async () => {
    const clock = new ManualClock();
    const none = new RateLimit(0, clock, "requests_per_token");
    for (let count = 0; count < 10_000; count++) none.take("a");
    const rate = new RateLimit(1, clock, "requests_per_address");
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 1_000_000; count++) rate.take(`key ${count}`);
    // What other tests left behind may go in between, or only at the next collection.
    await eventually(() => {
      Bun.gc(true);
      return process.memoryUsage().heapUsed - before < 20 * 1024 * 1024;
    });
    // It was there all the time.
    rate.take("another one");
  });

  test("of one token are answered with 429 and Retry-After; another one is not hurt", async () => {
    const { app, admin, make } = await startAuthApp({ tokenRequestsMax: 20 });
    try {
      const busy = await make(["jobs:read"]);
      const statuses: number[] = [];
      for (let count = 0; count < 40; count++) {
        const response = await app.fetch("/api/v1/queue", { headers: bearer(busy.token) });
        statuses.push(response.status);
        if (response.status === 429) expect(response.headers.get("retry-after")).toBe("1");
        await response.text();
      }
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(20);
      expect(statuses.at(-1)).toBe(429);
      expect((await app.fetch("/api/v1/queue", { headers: bearer(admin) })).status).toBe(200);
    } finally {
      await app.stop();
    }
  });

  test("messages on WebSockets are counted with them; those that are too many are refused, and the connection lives on", async () => {
    const { app, admin, make } = await startAuthApp({ tokenRequestsMax: 5 });
    try {
      const { token } = await make(["events:read", "jobs:read"]);
      const [busy, other] = [token, admin].map((one) => new TestSocket(`${app.url}/api/v1/ws`, bearer(one)));
      await busy?.message(({ event }) => event === "ConnectionOpened");
      await other?.message(({ event }) => event === "ConnectionOpened");
      for (let ref = 0; ref < 100; ref++) busy?.send({ op: "ping", ref });
      const refused = await busy?.message(({ op }) => op === "error");
      expect(refused).toMatchObject({
        code: "rate_limited",
        limit: "requests_per_token",
        detail: expect.stringContaining("5 requests"),
        ref: expect.any(Number),
      });
      expect((await app.fetch("/api/v1/queue", { headers: bearer(token) })).status).toBe(429);
      other?.send({ op: "ping", ref: "other" });
      expect(await other?.message(({ ref }) => ref === "other")).toMatchObject({ op: "pong" });
      await eventually(() => {
        busy?.send({ op: "ping", ref: "later" });
        return busy?.messages.some(({ op, ref }) => op === "pong" && ref === "later") ?? false;
      });
    } finally {
      await app.stop();
    }
  });

  test("of one address are counted on a loopback server that is open to all, when a limit is set", async () => {
    const app = await startApp({ addressRequestsMax: 5 });
    try {
      const socket = new TestSocket(`${app.url}/api/v1/ws`);
      await socket.message(({ event }) => event === "ConnectionOpened");
      for (let ref = 0; ref < 100; ref++) socket.send({ op: "ping", ref });
      expect(await socket.message(({ op }) => op === "error")).toMatchObject({ limit: "requests_per_address" });
      expect((await app.fetch("/health")).status).toBe(429);
    } finally {
      await app.stop();
    }
  });

  test("of one address are answered with 429, those of the proxies' clients each for itself", async () => {
    const { app, admin } = await startAuthApp({ addressRequestsMax: 5, trustedProxies: ["127.0.0.0/8"] });
    try {
      const statusOf = async (address: string) => {
        const { status } = await app.fetch("/health", { headers: { ...bearer(admin), "x-forwarded-for": address } });
        return status;
      };
      const many = [];
      for (let count = 0; count < 12; count++) many.push(await statusOf("203.0.113.7"));
      expect(many).toContain(429);
      expect(await statusOf("203.0.113.8")).toBe(200);
    } finally {
      await app.stop();
    }
  });
});

describe("where a request comes from", () => {
  const read = (peer: string, trustedProxies: string[], forwarded?: string) =>
    addressReader({ peerOf: () => peer, trustedProxies })(
      new Request("http://x", { headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded } }),
    );

  test.each([
    ["198.51.100.1", [], "203.0.113.7", "198.51.100.1"],
    ["198.51.100.1", ["10.0.0.0/8"], "203.0.113.7", "198.51.100.1"],
    ["10.0.0.1", ["10.0.0.0/8"], "203.0.113.7", "203.0.113.7"],
    ["::ffff:10.0.0.1", ["10.0.0.0/8"], "203.0.113.7", "203.0.113.7"],
    ["10.0.0.1", ["10.0.0.0/8"], "192.0.2.66, 203.0.113.7", "203.0.113.7"],
    ["10.0.0.1", ["10.0.0.0/8"], "192.0.2.66, 203.0.113.7, 10.2.3.4", "203.0.113.7"],
    ["10.0.0.1", ["10.0.0.0/8"], "203.0.113.7:4711", "203.0.113.7"],
    ["10.0.0.1", ["10.0.0.0/8"], "nonsense", "10.0.0.1"],
    ["10.0.0.1", ["10.0.0.0/8"], "", "10.0.0.1"],
    ["10.0.0.1", ["10.0.0.0/8"], "10.9.9.9", "10.0.0.1"],
    ["10.0.0.1", ["10.0.0.1"], "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"],
    ["2001:db8::1", [], undefined, "2001:db8:0:0::/64"],
    ["2001:0db8:0001:0002:ffff:ffff:ffff:ffff", [], undefined, "2001:db8:1:2::/64"],
    ["::1", ["::1"], "203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", [], undefined, "203.0.113.7"],
  ] as [string, string[], string | undefined, string][])("%s behind %j with %j is %s", (peer, proxies, forwarded, expected) => {
    expect(read(peer, proxies, forwarded)).toBe(expected);
  });
});

describe("streams", () => {
  test("of one address are bounded; whoever leaves makes room", async () => {
    const app = await startApp({ addressConnectionsMax: 3 });
    try {
      const sockets = Array.from({ length: 3 }, () => new TestSocket(`${app.url}/api/v1/ws`));
      for (const socket of sockets) await socket.message(({ event }) => event === "ConnectionOpened");
      expect(await new TestSocket(`${app.url}/api/v1/ws`).opened).toBe(false);
      const stream = await app.fetch("/api/v1/events");
      expect([stream.status, await stream.text()]).toEqual([200, expect.stringContaining('"reason":"draining"')]);
      sockets[0]?.close();
      await sockets[0]?.closed;
      const after = new TestSocket(`${app.url}/api/v1/ws`);
      expect(await after.opened).toBe(true);
    } finally {
      await app.stop();
    }
  });

  test("of one address are bounded where a proxy tells addresses apart, with auth off, too", async () => {
    const app = await startApp({ trustedProxies: ["127.0.0.1"] });
    const clients: TcpClient[] = [];
    const open = async (address: string) => {
      const client = await TcpClient.open(app.url);
      clients.push(client);
      client.send(`GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\n\r\n`);
      await eventually(() => client.text.includes("event: "));
      return client.text;
    };
    try {
      for (let batch = 0; batch < 10; batch++) {
        const opened = await Promise.all(Array.from({ length: 100 }, () => open("203.0.113.7")));
        expect(opened.filter((text) => !text.includes("ConnectionOpened"))).toEqual([]);
      }
      expect(await open("203.0.113.7")).toContain('"reason":"draining"');
      expect(await open("203.0.113.8")).toContain("ConnectionOpened");
    } finally {
      for (const client of clients) client.close();
      await app.stop();
    }
  });

  test("in all are bounded, those among them that have not said who they are", async () => {
    const { app } = await startAuthApp({ connectionsMax: 2 });
    try {
      const sockets = Array.from({ length: 2 }, () => new TestSocket(`${app.url}/api/v1/ws`));
      for (const socket of sockets) expect(await socket.opened).toBe(true);
      expect(await new TestSocket(`${app.url}/api/v1/ws`).opened).toBe(false);
    } finally {
      await app.stop();
    }
  });
});

test("long polls and claims that wait are bounded together", async () => {
  const app = await startApp({ pollsMax: 2, jobTypes: ["resize"] });
  const leave = new AbortController();
  const { signal } = leave;
  try {
    const waiting = [
      app.fetch("/api/v1/events?transport=poll&events=Never", { signal }),
      app.fetch("/api/v1/jobs/claim", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ types: ["resize"], worker_id: "w", wait_seconds: 60 }),
        signal,
      }),
    ].map((one) => one.catch(() => undefined));
    await app.fetch("/health");
    const refused = await app.call(Problem, "GET", "/events?transport=poll&events=Never");
    expect(refused).toMatchObject({ status: 503, body: { code: "overloaded", limit: "polls", retry_after_seconds: 5 } });
    leave.abort();
    await Promise.all(waiting);
    await eventually(async () => (await app.fetch("/api/v1/events?transport=poll&wait_seconds=0")).status === 200);
  } finally {
    await app.stop();
  }
});

test("jobs that wait are bounded", async () => {
  const app = await startApp({ jobsWaitingMax: 2, jobTypes: ["resize"] });
  try {
    const create = () => app.call(Type.Union([Job, Problem]), "POST", "/jobs", { body: { type: "resize" } });
    const [first, second, third] = [await create(), await create(), await create()];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(third).toMatchObject({ status: 503, body: { limit: "jobs_waiting" } });
    expect(third.headers.get("retry-after")).toBe("10");
    const id = "id" in first.body ? first.body.id : "";
    await app.call(Job, "POST", `/jobs/${id}/cancel`);
    expect((await create()).status).toBe(202);
  } finally {
    await app.stop();
  }
});

test.each([
  ["tokens", { tokensMax: 6 }, { name: "one", scopes: ["notes:read"] }],
  ["webhooks", { webhooksMax: 5 }, { url: "https://example.com/", events: ["*"] }],
  ["jobs", { jobsWaitingMax: 5, jobTypes: ["resize"] }, { type: "resize" }],
  ["events/tickets", { ticketsMax: 5 }, undefined],
])("of %s that are asked for in the same moment no more are made than may be", async (path, limits, body) => {
  const { app, admin } = await startAuthApp({ durability: "full", ...limits });
  try {
    const text = body === undefined ? null : JSON.stringify(body);
    const init = { method: "POST", headers: { "content-type": "application/json", ...bearer(admin) }, body: text };
    const answers = await Promise.all(Array.from({ length: 40 }, () => app.fetch(`/api/v1/${path}`, init)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(5);
  } finally {
    await app.stop();
  }
});

test("a job that failed can be retried when there is room for it", async () => {
  const app = await startApp({ jobsWaitingMax: 1, jobTypes: ["resize"] });
  try {
    const create = async () => (await app.call(Job, "POST", "/jobs", { body: { type: "resize" } })).body.id;
    const cancelled = await create();
    await app.call(Job, "POST", `/jobs/${cancelled}/cancel`);
    const waiting = await create();
    const retry = () => app.call(Type.Union([Job, Problem]), "POST", `/jobs/${cancelled}/retry`);
    expect(await retry()).toMatchObject({ status: 503, body: { limit: "jobs_waiting" } });
    await app.call(Job, "POST", `/jobs/${waiting}/cancel`);
    expect(await retry()).toMatchObject({ status: 200, body: { status: "queued" } });
  } finally {
    await app.stop();
  }
});

describe("a body that does not arrive", () => {
  /** Sends the beginning of a request, then a byte now and then; resolves with what came back when the connection ends. */
  function trickle(url: string, head: string, piece: string): Promise<string> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve) => {
      let answer = "";
      const socket = connect(Number(port), hostname, () => socket.write(head));
      const timer = setInterval(() => socket.write(piece), 100);
      socket.on("data", (data) => {
        answer += data.toString();
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        clearInterval(timer);
        resolve(answer);
      });
    });
  }

  test.each(
    ["/api/v1/notes", "/mcp"].flatMap((path) => [
      [path, "Content-Length: 1000"],
      [path, "Transfer-Encoding: chunked"],
    ]),
  )(
    "is given up, and its connection closed (%s, %s)",
    async (path, length = "") => {
      const app = await startApp({ bodySeconds: 0.3 });
      try {
        const type = "Content-Type: application/json\r\nAccept: application/json, text/event-stream";
        const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}\r\n${length}\r\n\r\n`;
        const piece = length.startsWith("T") ? "1\r\nx\r\n" : "x";
        const answer = await trickle(app.url, head, piece);
        expect(answer).toStartWith("HTTP/1.1 408 ");
        expect(answer).toContain("did not arrive within 0.3 seconds");
      } finally {
        await app.stop();
      }
    },
    10_000,
  );

  test("because its client left is no failure of the server", async () => {
    const { logger, errors } = errorLog();
    const app = await startApp({}, { logger });
    try {
      for (const length of ["Content-Length: 1000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"]) {
        for (const path of ["/api/v1/notes", "/mcp"]) {
          const client = await TcpClient.open(app.url);
          client.send(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}`);
          await (await app.fetch("/health")).text();
          client.close();
        }
      }
      for (let count = 0; count < 5; count++) await (await app.fetch("/health")).text();
      expect(errors).toEqual([]);
    } finally {
      await app.stop();
    }
  });
});

test("every limit that was reached is counted by its name", () => {
  const refusals = new Refusals();
  refusals.note(new MatricError("conflict", "Too many.", { limit: "tokens" }));
  refusals.note(new MatricError("conflict", "Another reason."));
  refusals.count("connections");
  expect([...refusals.counts()].filter(([, count]) => count > 0)).toEqual([
    ["connections", 1],
    ["tokens", 1],
  ]);
});
