import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { catalog } from "../../src/events/catalog.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  parameters?: { in: string; name: string; required?: boolean; description?: string; schema?: object }[];
  requestBody?: { content: Record<string, { schema?: object }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: object }> }>;
}

interface OpenApi {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

let app: TestApp;
let openApi: OpenApi;

beforeAll(async () => {
  app = await startApp();
  openApi = JSON.parse(await (await app.fetch("/swagger/json")).text());
});
afterAll(() => app.stop());

function operations(): [name: string, operation: Operation][] {
  return Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method.toUpperCase()} ${path}`, operation]),
  );
}

describe("the OpenAPI document", () => {
  test("is valid", async () => {
    const response = await app.fetch("/swagger/json");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(openApi).toMatchObject({ openapi: "3.1.0", info: { version: "0.0.0-test" } });
    expect(await new Validator().validate({ ...openApi })).toEqual({ valid: true });
  });

  test("has every route of the server, but its pages and MCP, which describes itself", () => {
    const routes = app.routes
      .filter(({ path }) => !/^\/(swagger(\/.*)?|assets\/.*|mcp)?$/.test(path))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...new Set(routes)].sort());
  });

  test("tells of every route what it does, what it takes and what it answers", () => {
    const names = new Set<string>();
    for (const [name, { operationId, summary, tags, parameters = [], requestBody, responses }] of operations()) {
      expect([name, operationId]).toEqual([name, expect.stringMatching(/^[a-z][A-Za-z]+$/)]);
      names.add(operationId ?? "");
      expect([name, summary]).toEqual([name, expect.stringMatching(/\w{3}/)]);
      expect([name, tags?.length]).toEqual([name, 1]);
      const inPath = parameters.filter((one) => one.in === "path").map((one) => `{${one.name}}`);
      expect([name, inPath]).toEqual([name, name.match(/\{\w+\}/g) ?? []]);
      for (const one of parameters)
        expect([name, one]).toEqual([name, { ...one, schema: expect.anything(), required: one.in === "path" }]);
      if (requestBody) expect([name, Object.keys(requestBody.content)]).toEqual([name, ["application/json"]]);
      expect(Object.keys(responses).some((status) => /^[123]/.test(status))).toBe(true);
      for (const [status, { description, content = {} }] of Object.entries(responses)) {
        expect([name, status, description]).toEqual([name, status, expect.stringMatching(/\w{2}/)]);
        const bodies = Object.values(content);
        expect([name, status, bodies.length > 0]).toEqual([name, status, !["101", "204", "304"].includes(status)]);
        for (const { schema } of bodies) expect(schema).toBeObject();
      }
    }
    expect(names.size).toBe(operations().length);
  });

  test("has nothing of the tools that wrote it, and no reference that leads nowhere", () => {
    const text = JSON.stringify(openApi);
    expect(text).not.toMatch(/"\$id"|multipart|"patternProperties"|TypeBox/);
    const references = text.match(/#\/components\/schemas\/\w+/g) ?? [];
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) expect(openApi.components.schemas).toContainKey(reference.split("/").at(-1) ?? "");
  });

  test("describes the stream, the lines, the history and the long poll of events", () => {
    const { parameters = [], responses } = openApi.paths["/api/v1/events"]?.get ?? { responses: {} };
    expect(Object.keys(responses["200"]?.content ?? {})).toEqual([
      "text/event-stream",
      "application/x-ndjson",
      "application/json",
    ]);
    const names = parameters.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["events", "topics", "since", "transport", "batch_ms", "limit", "Last-Event-ID"]),
    );
  });

  test("says what the answers really are", async () => {
    const ajv = addFormats(new Ajv({ strict: false }));
    ajv.addSchema({ $id: "openapi", ...openApi });
    const create = { method: "POST", headers: { "content-type": "application/json" } };
    const created = await app.fetch("/api/v1/notes", { ...create, body: JSON.stringify({ title: "Sea", content: "deep" }) });
    const { id } = JSON.parse(await created.clone().text());
    const answers: [name: string, response: Response][] = [
      ["POST /api/v1/notes", created],
      ["POST /api/v1/notes", await app.fetch("/api/v1/notes", { ...create, body: "{}" })],
      ["GET /api/v1/notes/{id}", await app.fetch(`/api/v1/notes/${id}`)],
      ["GET /api/v1/notes/{id}", await app.fetch("/api/v1/notes/nobody")],
      ["GET /api/v1/notes", await app.fetch("/api/v1/notes")],
      ["GET /api/v1/notes/{id}/revisions", await app.fetch(`/api/v1/notes/${id}/revisions`)],
      ["POST /api/v1/notes/{id}/revise", await app.fetch(`/api/v1/notes/${id}/revise`, { method: "POST" })],
      ["GET /api/v1/jobs", await app.fetch("/api/v1/jobs")],
      ["GET /api/v1/queue", await app.fetch("/api/v1/queue")],
      ["GET /api/v1/events", await app.fetch("/api/v1/events", { headers: { accept: "application/json" } })],
      ["GET /api/v1/events", await app.fetch("/api/v1/events?transport=poll&since=earliest")],
      ["GET /api/v1/event-types", await app.fetch("/api/v1/event-types")],
      ["GET /api/v1/connections", await app.fetch("/api/v1/connections")],
      ["GET /health", await app.fetch("/health")],
      ["GET /health/ready", await app.fetch("/health/ready")],
    ];
    for (const [name, response] of answers) {
      const [method = "", path = ""] = name.split(" ");
      const type = response.headers.get("content-type")?.split(";")[0] ?? "";
      const schema = openApi.paths[path]?.[method.toLowerCase()]?.responses[response.status]?.content?.[type]?.schema;
      expect([name, response.status, schema]).toEqual([name, response.status, expect.anything()]);
      const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')));
      expect([name, validate(await response.json()), validate.errors]).toEqual([name, true, null]);
    }
  });
});

describe("the page of the API", () => {
  test("loads nothing from any other server", async () => {
    const page = await app.fetch("/swagger");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).not.toMatch(/https?:|\/\/\w/);
    const loaded = [...html.matchAll(/(?:src|href|data-url)="([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(loaded.length).toBe(4);
    for (const path of loaded) {
      const response = await app.fetch(new URL(path, `${app.url}/swagger`).pathname);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get("content-type")).toMatch(/^(text\/(css|javascript); charset=utf-8|application\/json)$/);
    }
  });

  test("finds its parts with a slash at the end, too", async () => {
    const html = await (await app.fetch("/swagger/")).text();
    for (const [, path = ""] of html.matchAll(/(?:src|href|data-url)="([^"]+)"/g)) {
      const response = await app.fetch(new URL(path, `${app.url}/swagger/`).pathname);
      expect([path, response.status]).toEqual([path, 200]);
    }
  });
});

describe("the AsyncAPI document", () => {
  test("is accepted by its own parser, and has every event and message on its channel", async () => {
    const text = await (await app.fetch("/api/v1/asyncapi.json")).text();
    const { document, diagnostics } = await new Parser().parse(text);
    const errors = diagnostics
      .filter(({ severity }) => severity === 0)
      .map(({ message, path }) => `${path.join(".")}: ${message}`);
    expect(errors).toEqual([]);
    expect(document?.version()).toBe("3.0.0");
    const messagesOf = (channel: string) =>
      document
        ?.channels()
        .get(channel)
        ?.messages()
        .all()
        .map((message) => message.id()) ?? [];
    const streamed = [
      ...Object.keys(catalog),
      "QueueStatus",
      "ConnectionOpened",
      "StreamGap",
      "StreamClosing",
      "StreamCursor",
      "CustomEvent",
    ];
    const requests = ["SubscribeRequest", "UnsubscribeRequest", "PingRequest", "AuthRequest", "Refresh"];
    const answers = ["Subscribed", "Unsubscribed", "Pong", "Authenticated", "AuthExpiring", "Refused"];
    expect(messagesOf("events").sort()).toEqual([...streamed].sort());
    expect(messagesOf("socket").sort()).toEqual([...streamed, ...requests, ...answers].sort());
  });

  test("describes every event that there is, also those that no stream carries", async () => {
    const [document, types] = await Promise.all(
      ["asyncapi.json", "event-types"].map(async (path) => JSON.parse(await (await app.fetch(`/api/v1/${path}`)).text())),
    );
    const names: string[] = types.items.map(({ event }: { event: string }) => event);
    expect(names).toContain("ConnectionClosed");
    expect(Object.keys(document.components.messages)).toEqual(expect.arrayContaining(names));
  });

  test("names the server that was asked", async () => {
    const document = JSON.parse(await (await app.fetch("/api/v1/asyncapi.json")).text());
    expect(document.servers.ws).toMatchObject({ host: new URL(app.url).host, protocol: "ws" });
  });
});
