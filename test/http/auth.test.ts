import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Scope, scopes, Ticket } from "../../src/auth/contract.ts";
import { needOf } from "../../src/http/access.ts";
import { type AuthApp, bearer, type CreatedTokenBody, startAuthApp } from "../support/auth.ts";

let server: AuthApp;
const tokens = new Map<Scope, CreatedTokenBody>();
let expired: CreatedTokenBody;
let revoked: CreatedTokenBody;
let routes: { name: string; method: string; path: string; route: string }[];

beforeAll(async () => {
  server = await startAuthApp({ jobTypes: ["resize"], pollSeconds: 0.05 });
  for (const scope of scopes) tokens.set(scope, await server.make([scope]));
  revoked = await server.make(["admin"]);
  await server.revoke(revoked.id);
  expired = await server.make(["admin"], new Date(server.clock.now() + 60_000).toISOString());
  server.clock.skip(61_000);
  const found = server.app.routes.map(({ method, path }) => ({
    name: `${method} ${path}`,
    // The path of agents takes several.
    method: method === "ALL" ? "POST" : method,
    path: path.replace(/:\w+/g, "some"),
    route: path,
  }));
  // Each once; the one that makes tokens, and the one that takes a copy of everything, among them.
  routes = [...new Map(found.map((one) => [one.name, one])).values()];
});
afterAll(() => server.app.stop());

/** The status of a request, made so that nothing would come of it: its body is not JSON. */
async function ask({ method, path, route }: { method: string; path: string; route: string }, headers: Record<string, string>) {
  const hasBody = method !== "GET" && method !== "DELETE";
  const query = route === "/api/v1/events" && method === "GET" ? "?transport=poll&wait_seconds=0" : "";
  const response = await server.app.fetch(`${path}${query}`, {
    method,
    headers: hasBody ? { "content-type": "application/json", ...headers } : headers,
    body: hasBody ? "{" : null,
  });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers };
}

async function ticketOf(token: string): Promise<string> {
  return (await server.app.call(Ticket, "POST", "/events/tickets", { headers: bearer(token) })).body.ticket;
}

test("somebody has decided about every route", () => {
  for (const { name, method, route } of routes) expect([name, needOf(method, route)]).toEqual([name, expect.anything()]);
  expect(routes.length).toBeGreaterThan(40);
});

test("what is public needs no token, and is not much", async () => {
  const open = routes.filter(({ method, route }) => needOf(method, route) === "public").map(({ name }) => name);
  expect(open.sort()).toEqual(
    [
      "DELETE /api/v1/session",
      "GET /",
      "GET /api/v1/asyncapi.json",
      "GET /assets/:name",
      "GET /health",
      "GET /health/ready",
      "GET /swagger",
      "GET /swagger/json",
      "GET /swagger/start.js",
      "GET /swagger/viewer.css",
      "GET /swagger/viewer.js",
      "POST /api/v1/session",
    ].sort(),
  );
  for (const one of routes.filter(({ name }) => open.includes(name))) {
    const { status } = await ask(one, {});
    expect([one.name, [401, 403].includes(status)]).toEqual([one.name, false]);
  }
});

describe("every other route", () => {
  const closed = () => routes.filter(({ method, route }) => needOf(method, route) !== "public");

  test("refuses who shows nothing, before it looks at the body", async () => {
    for (const one of closed()) {
      const { status, headers, text } = await ask(one, {});
      // Its client may show it later: without an upgrade it is nothing.
      if (one.route === "/api/v1/ws") expect(status).toBe(400);
      else expect([one.name, status, headers.get("www-authenticate")]).toEqual([one.name, 401, 'Bearer realm="matric"']);
      if (status === 401) expect(JSON.parse(text)).toMatchObject({ code: "unauthorized" });
    }
  });

  test("refuses a token that is wrong, expired, revoked, or no token", async () => {
    const wrong = [
      "Bearer mtr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
      `Bearer ${server.admin.slice(0, -1)}`,
      `Bearer ${server.admin}x`,
      `Bearer ${server.admin.toUpperCase()}`,
      `Bearer ${expired.token}`,
      `Bearer ${revoked.token}`,
      `Basic ${btoa(`matric:${server.admin}`)}`,
      server.admin,
      "Bearer",
      "Bearer  ",
      `Bearer ${server.admin} ${server.admin}`,
      `Bearer ${"x".repeat(8000)}`,
      "Bearer null",
      "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    ];
    for (const one of closed()) {
      for (const authorization of wrong) {
        const { status, text } = await ask(one, { authorization });
        expect([one.name, authorization.slice(0, 80), status]).toEqual([one.name, authorization.slice(0, 80), 401]);
        expect(text).not.toContain(server.admin.slice(4));
        expect(text).not.toContain(expired.token.slice(4));
      }
    }
  });

  test("takes a token with its scopes, and refuses one with any other", async () => {
    for (const one of closed()) {
      const need = needOf(one.method, one.route);
      for (const scope of scopes) {
        const { status, text } = await ask(one, bearer(tokens.get(scope)?.token ?? ""));
        const needed = Array.isArray(need) ? need : need === "in_band" ? ["events:read"] : [];
        const may = scope === "admin" || needed.every((one) => one === scope);
        expect([one.name, scope, status === 403]).toEqual([one.name, scope, !may]);
        expect([one.name, scope, status]).not.toEqual([one.name, scope, 401]);
        expect([one.name, scope, status >= 500]).toEqual([one.name, scope, false]);
        if (!may) expect(JSON.parse(text)).toMatchObject({ code: "forbidden", scope: needed.find((one) => one !== scope) });
      }
    }
  });

  test("refuses a ticket that was used, has no token behind it any more, or is shown where none is taken", async () => {
    const gone = await server.make(["events:read"]);
    const goneTickets = [await ticketOf(gone.token), await ticketOf(gone.token), await ticketOf(gone.token)];
    await server.revoke(gone.id);
    for (const one of closed()) {
      const takesTickets = one.method === "GET" && ["/api/v1/events", "/api/v1/ws"].includes(one.route);
      const statusWith = async (ticket: string) => {
        const query = `${one.route === "/api/v1/events" ? "transport=poll&wait_seconds=0&" : ""}ticket=${ticket}`;
        return (await ask({ ...one, path: `${one.path}?${query}`, route: "" }, {})).status;
      };
      const ticket = await ticketOf(server.admin);
      // The WebSocket has nothing against the ticket, but is no upgrade here.
      const first = !takesTickets ? 401 : one.route === "/api/v1/ws" ? 400 : 200;
      expect([one.name, await statusWith(ticket)]).toEqual([one.name, first]);
      for (const bad of [takesTickets ? ticket : "mtk_some", goneTickets.pop() ?? "", "mtk_unknown", server.admin])
        expect([one.name, await statusWith(bad)]).toEqual([one.name, 401]);
    }
  });

  test("is the same for every way to follow the log", async () => {
    const used = await ticketOf(server.admin);
    await (await server.app.fetch(`/api/v1/events?transport=poll&wait_seconds=0&ticket=${used}`)).text();
    const upgrade = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": btoa("x".repeat(16)),
    };
    const ways: [name: string, path: string, headers: Record<string, string>][] = [
      ["SSE", "/api/v1/events", { accept: "text/event-stream" }],
      ["NDJSON", "/api/v1/events", { accept: "application/x-ndjson" }],
      ["long poll", "/api/v1/events?transport=poll&wait_seconds=0", {}],
      ["history", "/api/v1/events", { accept: "application/json" }],
      ["WebSocket", "/api/v1/ws", upgrade],
    ];
    for (const [name, path, headers] of ways) {
      const statusWith = async (more: Record<string, string>, query = "") => {
        const separator = path.includes("?") ? "&" : "?";
        const response = await server.app.fetch(`${path}${query === "" ? "" : `${separator}${query}`}`, {
          headers: { ...headers, ...more },
        });
        await response.body?.cancel();
        return response.status;
      };
      for (const bad of ["mtr_wrong", expired.token, revoked.token]) {
        expect([name, bad, await statusWith(bearer(bad))]).toEqual([name, bad, 401]);
        expect([name, bad, await statusWith({ cookie: `matric_token=${bad}` })]).toEqual([name, bad, 401]);
        expect([name, bad, await statusWith({}, `ticket=${bad}`)]).toEqual([name, bad, 401]);
      }
      expect([name, await statusWith({}, `ticket=${used}`)]).toEqual([name, 401]);
      if (name !== "WebSocket") expect([name, await statusWith({})]).toEqual([name, 401]);
      for (const scope of scopes.filter((one) => one !== "events:read" && one !== "admin"))
        expect([name, scope, await statusWith(bearer(tokens.get(scope)?.token ?? ""))]).toEqual([name, scope, 403]);
    }
  });

  test("takes no token from the address", async () => {
    for (const name of ["token", "access_token", "authorization", "api_key", "ticket"]) {
      for (const path of ["/api/v1/notes", "/api/v1/events"]) {
        const { status, text } = await ask({ method: "GET", path: `${path}?${name}=${server.admin}`, route: path }, {});
        expect([name, path, status]).toEqual([name, path, 401]);
        expect(text).not.toContain(server.admin);
      }
    }
  });

  test("is not fooled by headers that mean something elsewhere", async () => {
    const hostile: Record<string, string>[] = [
      { "x-forwarded-user": "admin" },
      { "x-matric-actor": "agent" },
      { "x-original-url": "/health" },
      { "x-rewrite-url": "/health" },
      { "x-http-method-override": "GET" },
      { cookie: `matric_token=${server.admin.slice(0, -2)}` },
      { cookie: `xmatric_token=${server.admin}` },
      { cookie: "matric_token=" },
    ];
    for (const headers of hostile) {
      const { status } = await ask({ method: "GET", path: "/api/v1/notes", route: "/api/v1/notes" }, headers);
      expect([headers, status]).toEqual([headers, 401]);
    }
    for (const path of [
      "/api/v1/notes/",
      "/api/v1//notes",
      "/API/v1/notes",
      "/api/v1/notes/../notes",
      "/api/v1/%6eotes",
      "/health/../api/v1/notes",
    ]) {
      const { status } = await ask({ method: "GET", path, route: "" }, {});
      expect([path, [401, 404].includes(status)]).toEqual([path, true]);
    }
  });
});

test("a job that writes into a note needs the right to write notes", async () => {
  const { token } = await server.make(["jobs:write"]);
  const body = JSON.stringify({ type: "ai_revision", note_id: "some" });
  const headers = { "content-type": "application/json", ...bearer(token) };
  const response = await server.app.fetch("/api/v1/jobs", { method: "POST", headers, body });
  expect([response.status, await response.json()]).toEqual([403, expect.objectContaining({ scope: "notes:write" })]);
});

test("events tell which token caused them, and whether for an agent", async () => {
  const { id, token } = await server.make(["events:write", "events:read"]);
  const publish = async (headers: Record<string, string>) => {
    const body = JSON.stringify({ event: "ThingDone", data: {} });
    const sent = { method: "POST", headers: { "content-type": "application/json", ...bearer(token), ...headers }, body };
    const { id: eventId } = JSON.parse(await (await server.app.fetch("/api/v1/events", sent)).text());
    return JSON.parse(await (await server.app.fetch(`/api/v1/events/${eventId}`, { headers: bearer(token) })).text()).actor;
  };
  expect(await publish({})).toEqual({ kind: "user", id });
  expect(await publish({ "x-matric-actor": "agent" })).toEqual({ kind: "agent", id });
});
