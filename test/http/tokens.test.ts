import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CreatedToken, Session, Ticket, TokenPage } from "../../src/auth/contract.ts";
import { Problem } from "../../src/http/problem.ts";
import { type AuthApp, bearer, startAuthApp } from "../support/auth.ts";
import { startApp } from "../support/start-app.ts";

let server: AuthApp;

beforeAll(async () => {
  server = await startAuthApp({ tokensMax: 20, ticketsMax: 3 });
});
afterAll(() => server.app.stop());

const admin = () => bearer(server.admin);

describe("tokens", () => {
  test("are made, shown once, listed without themselves, and revoked", async () => {
    const body = {
      name: " phone ",
      scopes: ["notes:read", "events:read", "notes:read"],
      expires_at: "2099-01-01T00:00:00+01:00",
    };
    const made = await server.app.call(CreatedToken, "POST", "/tokens", { body, headers: admin() });
    expect(made).toMatchObject({
      status: 201,
      body: { name: "phone", scopes: ["events:read", "notes:read"], expires_at: "2098-12-31T23:00:00.000Z", last_used_at: null },
    });
    expect(made.body.token).toMatch(/^mtr_[\w-]{43}$/);
    await server.app.fetch("/api/v1/notes", { headers: bearer(made.body.token) });
    const listed = await server.app.call(TokenPage, "GET", "/tokens?limit=500", { headers: admin() });
    const one = listed.body.items.find(({ id }) => id === made.body.id);
    expect(one).toMatchObject({ status: "active", last_used_at: expect.any(String) });
    expect(JSON.stringify(listed.body)).not.toContain("mtr_");
    for (let times = 0; times < 2; times++) {
      const gone = await server.app.fetch(`/api/v1/tokens/${made.body.id}`, { method: "DELETE", headers: admin() });
      expect(gone.status).toBe(204);
    }
    const after = await server.app.call(TokenPage, "GET", "/tokens?limit=500", { headers: admin() });
    expect(after.body.items.find(({ id }) => id === made.body.id)).toMatchObject({
      status: "revoked",
      revoked_at: expect.any(String),
    });
    expect((await server.app.fetch("/api/v1/tokens/some", { method: "DELETE", headers: admin() })).status).toBe(404);
  });

  test.each([
    [{ name: "", scopes: ["admin"] }, "name"],
    [{ name: " \t", scopes: ["admin"] }, "name"],
    [{ name: "a\u001b[2J", scopes: ["admin"] }, "name"],
    [{ name: "x".repeat(101), scopes: ["admin"] }, "name"],
    [{ name: "a", scopes: [] }, "scopes"],
    [{ name: "a", scopes: ["root"] }, "scopes.0"],
    [{ name: "a", scopes: ["admin"], expires_at: "tomorrow" }, "expires_at"],
    [{ name: "a", scopes: ["admin"], expires_at: "2001-01-01T00:00:00Z" }, "expires_at"],
    [{ name: "a", scopes: ["admin"], token: "mtr_mine" }, "token"],
  ])("%j is refused and names %s", async (body, field) => {
    const refused = await server.app.call(Problem, "POST", "/tokens", { body, headers: admin() });
    expect(refused).toMatchObject({ status: 422, body: { field } });
  });

  test("are bounded, and one that ended makes room", async () => {
    const made: string[] = [];
    for (;;) {
      const response = await server.app.fetch("/api/v1/tokens", {
        method: "POST",
        headers: { "content-type": "application/json", ...admin() },
        body: JSON.stringify({ name: "many", scopes: ["notes:read"] }),
      });
      const body = JSON.parse(await response.text());
      if (response.status !== 201) {
        expect([response.status, body]).toEqual([429, expect.objectContaining({ code: "rate_limited", limit: "tokens" })]);
        break;
      }
      made.push(body.id);
    }
    expect(made.length).toBeGreaterThan(5);
    await server.revoke(made[0] ?? "");
    expect((await server.make(["notes:read"])).token).toStartWith("mtr_");
    for (const id of made) await server.revoke(id);
  });
});

test("the first token is told once, and survives a restart with the others", async () => {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const dataDir = mkdtempSync(`${(await import("node:os")).tmpdir()}/matric-test-`);
  const first = await startAuthApp({ dataDir });
  expect(first.admin).toMatch(/^mtr_/);
  const { id, token } = await first.make(["notes:read"]);
  await first.revoke(id);
  const reader = await first.make(["notes:read"]);
  await first.app.stop();
  for (const file of await Array.fromAsync(new Bun.Glob("*").scan(dataDir))) {
    const bytes = Buffer.from(await Bun.file(`${dataDir}/${file}`).bytes());
    for (const secret of [first.admin, token, reader.token])
      expect([file, bytes.includes(secret.slice(4))]).toEqual([file, false]);
  }
  const again = await startApp({ dataDir, auth: "on" });
  expect(again.firstToken).toBeUndefined();
  expect((await again.fetch("/api/v1/tokens", { headers: bearer(first.admin) })).status).toBe(200);
  expect((await again.fetch("/api/v1/notes", { headers: bearer(reader.token) })).status).toBe(200);
  expect((await again.fetch("/api/v1/notes", { headers: bearer(token) })).status).toBe(401);
  await again.stop();
  rmSync(dataDir, { recursive: true });
});

describe("a browser signs in", () => {
  const signIn = (token: string, headers: Record<string, string> = {}) =>
    server.app.fetch("/api/v1/session", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ token }),
    });

  test("with a cookie that no script and no other site gets", async () => {
    const { token, id } = await server.make(["notes:read"]);
    const signedIn = await signIn(token);
    const cookie = signedIn.headers.get("set-cookie") ?? "";
    expect(cookie).toStartWith(`matric_token=${token}; `);
    for (const attribute of ["HttpOnly", "SameSite=Strict", "Path=/"]) expect(cookie).toContain(attribute);
    expect(cookie).not.toContain("Secure");
    expect(await signedIn.text()).not.toContain(token);
    const headers = { cookie: `other=1; ${cookie.split(";")[0]}; more=2` };
    expect((await server.app.fetch("/api/v1/notes", { headers })).status).toBe(200);
    const session = await server.app.call(Session, "GET", "/session", { headers });
    expect(session.body).toEqual({ auth: "on", token_id: id, scopes: ["notes:read"], expires_at: null });
    const out = await server.app.fetch("/api/v1/session", { method: "DELETE", headers });
    expect([out.status, out.headers.get("set-cookie")]).toEqual([204, expect.stringContaining("matric_token=; ")]);
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    await server.revoke(id);
    expect((await server.app.fetch("/api/v1/notes", { headers })).status).toBe(401);
  });

  test("and over TLS the cookie stays with it", async () => {
    const { token } = await server.make(["notes:read"]);
    const { port } = new URL(server.app.url);
    const headers = { origin: `https://localhost`, host: "localhost" };
    expect(port).not.toBe("");
    expect((await signIn(token, headers)).headers.get("set-cookie")).toContain("; Secure");
  });

  test("a header counts before the cookie, and a wrong one is not made good by it", async () => {
    const { token } = await server.make(["notes:read"]);
    const cookie = `matric_token=${token}`;
    expect((await server.app.fetch("/api/v1/notes", { headers: { cookie, ...bearer("mtr_wrong") } })).status).toBe(401);
    expect((await server.app.fetch("/api/v1/queue", { headers: { cookie, ...admin() } })).status).toBe(200);
  });

  test("a token that is none is not repeated, and sets nothing", async () => {
    const refused = await signIn("mtr_secret_of_somebody");
    expect([refused.status, refused.headers.get("set-cookie")]).toEqual([401, null]);
    expect(await refused.text()).not.toContain("somebody");
    for (const token of ["a; Domain=evil.example", "a\r\nset-cookie: b=c"]) {
      expect([(await signIn(token)).status, (await signIn(token)).headers.get("set-cookie")]).toEqual([401, null]);
    }
  });

  test("a page of another site can neither sign it in nor use its cookie", async () => {
    const { token } = await server.make(["admin"]);
    const origin = "https://evil.example";
    expect((await signIn(token, { origin })).status).toBe(403);
    const headers = { cookie: `matric_token=${token}`, origin, "content-type": "application/json" };
    const body = '{"title":"a","content":"b"}';
    expect((await server.app.fetch("/api/v1/notes", { method: "POST", headers, body })).status).toBe(403);
  });
});

describe("a ticket", () => {
  const ticket = async (token: string) =>
    (await server.app.call(Ticket, "POST", "/events/tickets", { headers: bearer(token) })).body.ticket;
  const status = async (path: string) => (await server.app.fetch(path)).status;

  test("opens one stream, once", async () => {
    const { token } = await server.make(["events:read"]);
    const path = `/api/v1/events?transport=poll&wait_seconds=0&ticket=${await ticket(token)}`;
    expect([await status(path), await status(path)]).toEqual([200, 401]);
  });

  test("opens a WebSocket, once", async () => {
    const { token } = await server.make(["events:read"]);
    const url = `${server.app.url.replace("http", "ws")}/api/v1/ws?ticket=${await ticket(token)}`;
    const opens = () =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(url);
        socket.onmessage = () => {
          socket.close();
          resolve(true);
        };
        socket.onerror = () => resolve(false);
      });
    expect([await opens(), await opens()]).toEqual([true, false]);
  });

  test("opens nothing else, and is no token", async () => {
    const { token } = await server.make(["events:read", "notes:read"]);
    const one = await ticket(token);
    expect(await status(`/api/v1/notes?ticket=${one}`)).toBe(401);
    expect((await server.app.fetch("/api/v1/notes", { headers: bearer(one) })).status).toBe(401);
    expect(await status(`/api/v1/events?transport=poll&wait_seconds=0&ticket=${one}`)).toBe(200);
  });

  test("ends with the token that it was made with", async () => {
    const { id, token } = await server.make(["events:read"]);
    const one = await ticket(token);
    await server.revoke(id);
    expect(await status(`/api/v1/events?transport=poll&wait_seconds=0&ticket=${one}`)).toBe(401);
  });

  test("is one of a bounded number", async () => {
    const { token } = await server.make(["events:read"]);
    for (;;) {
      const response = await server.app.fetch("/api/v1/events/tickets", { method: "POST", headers: bearer(token) });
      if (response.status === 201) continue;
      expect([response.status, response.headers.get("retry-after")]).toEqual([429, "30"]);
      break;
    }
  });
});

test("where auth is off, everybody is the same, and nothing is asked or set", async () => {
  const app = await startApp();
  try {
    expect(app.firstToken).toBeUndefined();
    const session = await app.call(Session, "GET", "/session");
    expect(session.body).toMatchObject({ auth: "off", token_id: null, expires_at: null });
    expect(session.body.scopes).toContain("admin");
    const signedIn = await app.fetch("/api/v1/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"token":"mtr_x"}',
    });
    expect([signedIn.status, signedIn.headers.get("set-cookie")]).toEqual([200, null]);
    expect((await app.fetch("/api/v1/notes", { headers: bearer("mtr_anything") })).status).toBe(200);
    expect((await app.fetch("/api/v1/events?transport=poll&wait_seconds=0&ticket=x")).status).toBe(200);
  } finally {
    await app.stop();
  }
});
