import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Scope, scopes } from "../../src/auth/contract.ts";
import { toolNames } from "../../src/mcp/tools.ts";
import { Note } from "../../src/notes/contract.ts";
import { type AuthApp, bearer, startAuthApp } from "../support/auth.ts";

let server: AuthApp;
let noteId: string;

beforeAll(async () => {
  server = await startAuthApp();
  const headers = bearer(server.admin);
  noteId = (await server.app.call(Note, "POST", "/notes", { body: { title: "Sea", content: "deep" }, headers })).body.id;
  const body = JSON.stringify({ event: "ThingDone", data: {} });
  await server.app.fetch("/api/v1/events", { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
});
afterAll(() => server.app.stop());

async function send(
  token: string,
  message: object,
  more: Record<string, string> = {},
): Promise<{ status: number; text: string; session: string }> {
  const headers = {
    ...bearer(token),
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...more,
  };
  const response = await server.app.fetch("/mcp", {
    method: "POST",
    headers,
    body: JSON.stringify({ jsonrpc: "2.0", ...message }),
  });
  return { status: response.status, text: await response.text(), session: response.headers.get("mcp-session-id") ?? "" };
}

/** An agent of either revision of the protocol: calls a method, and gets what came back as text. */
async function agents(token: string): Promise<Record<string, (method: string, params: object) => Promise<string>>> {
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "0" } };
  const { session } = await send(token, { id: 1, method: "initialize", params });
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "0" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return {
    "2025": async (method, params) => (await send(token, { id: 2, method, params }, { "mcp-session-id": session })).text,
    "2026": async (method, params) => {
      const name = "name" in params ? String(params.name) : "uri" in params ? String(params.uri) : "";
      const headers = {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        ...(name === "" ? {} : { "mcp-name": name }),
      };
      return (await send(token, { id: 2, method, params: { ...params, _meta: meta } }, headers)).text;
    },
  };
}

const tool = (name: string, args: object = {}): [string, object] => ["tools/call", { name, arguments: args }];
const calls: [needs: Scope[], call: () => [string, object]][] = [
  [["events:read"], () => tool("list_events", { after: "earliest" })],
  [["events:read"], () => tool("wait_for_events", { after: "earliest", timeout_ms: 0 })],
  [["events:read"], () => ["resources/read", { uri: "matric://events" }]],
  [["events:read"], () => tool("get_event", { id: "some" })],
  [["notes:read"], () => tool("search_notes", {})],
  [["notes:read"], () => tool("get_note", { id: noteId })],
  [["notes:read"], () => ["resources/read", { uri: `matric://notes/${noteId}` }]],
  [["notes:write"], () => tool("create_note", { title: "a", content: "b" })],
  [["notes:write"], () => tool("update_note", { id: noteId, version: 99, title: "b" })],
  [["notes:write", "jobs:write"], () => tool("revise_note", { id: noteId })],
  [["jobs:read"], () => tool("list_jobs")],
  [["jobs:read"], () => tool("get_job", { id: "some" })],
  [["jobs:read"], () => ["resources/read", { uri: "matric://queue" }]],
  [["jobs:write"], () => tool("cancel_job", { id: "some" })],
  [["webhooks:read"], () => tool("list_webhooks")],
  [["webhooks:read"], () => tool("list_deliveries", { webhook_id: "some" })],
  [["webhooks:write"], () => tool("retry_delivery", { webhook_id: "some", delivery_id: "some" })],
];

test("an agent may do what its token may, and nothing else", async () => {
  for (const scope of scopes) {
    const { token } = await server.make([scope]);
    for (const [revision, call] of Object.entries(await agents(token))) {
      for (const [needs, make] of calls) {
        const [method, params] = make();
        const text = await call(method, params);
        const missing = scope === "admin" ? undefined : needs.find((one) => one !== scope);
        const refusal = /This needs the scope (\S+),/.exec(text)?.[1];
        expect([revision, scope, method, params, refusal]).toEqual([revision, scope, method, params, missing]);
        if (missing !== undefined) expect(text).not.toContain("deep");
      }
    }
  }
});

test("somebody has decided about every tool", () => {
  const called = calls.flatMap(([, make]) => {
    const [, params] = make();
    return "name" in params ? [params.name] : [];
  });
  expect(called.sort()).toEqual([...toolNames].sort());
});

test("an agent that may not read notes gets no event of theirs", async () => {
  const { token } = await server.make(["events:read"]);
  for (const call of Object.values(await agents(token))) {
    for (const [, make] of calls.slice(0, 3)) {
      const text = await call(...make());
      expect(text).toContain("ThingDone");
      expect(text).not.toContain("NoteCreated");
    }
  }
});

test("an agent that may not read notes finds the other resources", async () => {
  const { token } = await server.make(["events:read"]);
  for (const call of Object.values(await agents(token))) {
    const text = await call("resources/list", {});
    expect(text).toContain("matric://events");
    expect(text).not.toContain("matric://notes/");
  }
});

test("to be told of changes needs the right to read them", async () => {
  const { token } = await server.make(["events:read"]);
  const { "2025": call = async () => "", "2026": present = async () => "" } = await agents(token);
  expect(await call("resources/subscribe", { uri: "matric://events" })).toContain('"result"');
  for (const uri of [`matric://notes/${noteId}`, "matric://queue"])
    expect(await call("resources/subscribe", { uri })).toContain('"error"');
  expect(
    await present("subscriptions/listen", { notifications: { resourceSubscriptions: [`matric://notes/${noteId}`] } }),
  ).toContain("needs the scopes");
});

test("a session belongs to the token that it was begun with", async () => {
  const [mine, other] = [await server.make(["notes:read"]), await server.make(["notes:read"])];
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "0" } };
  const { session } = await send(mine.token, { id: 1, method: "initialize", params });
  const list = { id: 2, method: "tools/list" };
  expect((await send(mine.token, list, { "mcp-session-id": session })).status).toBe(200);
  expect((await send(other.token, list, { "mcp-session-id": session })).status).toBe(404);
});
