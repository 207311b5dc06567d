import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { errorLog } from "../support/error-log.ts";
import { Receiver } from "../support/receiver.ts";
import { hostileValues, type Schema, spoilt, valuesOf } from "../support/schema-values.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

/** Requests to each operation; for a long look set it to some thousands. */
const runs = Number(process.env.MATRIC_TEST_RUNS ?? 25);
const seed = Number(process.env.MATRIC_TEST_SEED ?? 1);
const answeredWithinMs = 10_000;

interface Parameter {
  in: "path" | "query" | "header";
  name: string;
  schema: Schema;
}

interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: { "application/json": { schema: Schema } } };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

interface Fuzzed {
  /** Which of the ids that exist stands in each place of the path, or what stands there in place of one. */
  path: (number | string)[];
  query: [name: string, value: string][];
  headers: [name: string, value: string][];
  body: string | undefined;
}

const document: Document = await loadDocument();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    operation,
  })),
);
const ajv = addFormats(new Ajv({ strict: false, validateFormats: false }));
ajv.addSchema({ $id: "document", ...document });

let app: TestApp;
let receiver: Receiver;
const { logger, errors } = errorLog();
/** Of whatever was made: so that requests find something. */
const ids: string[] = [];

async function loadDocument(): Promise<Document> {
  const described = await startApp();
  const text = await (await described.fetch("/swagger/json")).text();
  await described.stop();
  return JSON.parse(text);
}

beforeAll(async () => {
  receiver = new Receiver();
  const limits = {
    drainSeconds: 0,
    pollSeconds: 0.05,
    jobTypes: ["resize"],
    webhookAllow: ["127.0.0.1"],
    tokensMax: 100_000,
    webhooksMax: 50,
  };
  app = await startApp(limits, { logger });
  const make = async (path: string, body: unknown) => {
    const response = await app.fetch(`/api/v1${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    ids.push(JSON.parse(await response.text()).id);
  };
  await make("/notes", { title: "Sea", content: "# Deep\n\n* a" });
  await make("/jobs", { type: "resize" });
  await make("/webhooks", { url: receiver.url, events: ["*"] });
  await make("/events", { event: "ThingDone", data: {} });
  await make("/tokens", { name: "one", scopes: ["notes:read"] });
});
afterAll(async () => {
  await app.stop();
  await receiver.stop();
});

const resolve = (reference: string): Schema => document.components.schemas[reference.split("/").at(-1) ?? ""] ?? {};

/** What stands for itself in a URL or a header. */
function wordsOf(schema: Schema): fc.Arbitrary<string> {
  const junk = hostileValues.map((value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "")));
  return fc.oneof({ weight: 3, arbitrary: valuesOf(schema, resolve).map(String) }, { weight: 1, arbitrary: junk });
}

/** A header takes visible letters only; what a client could not send at all is for the raw requests. */
const inHeader = (text: string) => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 2000);
const contentTypes = [
  "application/json",
  "application/json; charset=utf-8",
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/problem+json",
  "",
];
const accepts = [
  "application/json",
  "text/event-stream",
  "application/x-ndjson",
  "*/*",
  "text/html",
  "",
  "application/json;q=0",
  ";;;",
  "a/b;q=x,",
];

function requestsOf({ parameters = [], requestBody }: Operation): fc.Arbitrary<Fuzzed> {
  const inPlace = (place: Parameter["in"]) => parameters.filter((one) => one.in === place);
  const id = fc.oneof(
    { weight: 4, arbitrary: fc.nat(1000) },
    { weight: 1, arbitrary: wordsOf({ type: "string" }) },
    { weight: 1, arbitrary: fc.uuid({ version: 7 }) },
  );
  const some = (place: "query" | "header") =>
    fc
      .subarray(inPlace(place))
      .chain((chosen) =>
        fc.tuple(...chosen.map(({ name, schema }) => wordsOf(schema).map((value): [string, string] => [name, value]))),
      );
  const values = requestBody ? valuesOf(requestBody.content["application/json"].schema, resolve) : fc.constant({});
  const json = fc.oneof(
    { weight: 5, arbitrary: values },
    { weight: 3, arbitrary: spoilt(values) },
    { weight: 1, arbitrary: hostileValues },
  );
  const body = fc.oneof(
    { weight: 8, arbitrary: json.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  return fc.record({
    path: fc.tuple(...inPlace("path").map(() => id)),
    query: fc.oneof(
      some("query"),
      fc.tuple(some("query"), some("query")).map(([one, other]) => [...one, ...other]),
    ),
    headers: fc
      .tuple(
        some("header"),
        fc.constantFrom(...accepts),
        fc.constantFrom("application/json", ...contentTypes),
        wordsOf({ type: "string" }),
      )
      .map(([named, accept, type, junk]) => [
        ...named.map(([name, value]): [string, string] => [name, inHeader(value)]),
        ["accept", accept] as [string, string],
        ["content-type", type] as [string, string],
        ["traceparent", inHeader(junk)] as [string, string],
      ]),
    body,
  });
}

/** Longer than a test may take: what waits on purpose is told to wait a little. */
function impatient(fuzzed: Fuzzed): Fuzzed {
  const query = fuzzed.query.map(([name, value]): [string, string] => [
    name,
    name === "batch_ms" && Number(value) > 10 ? "10" : value,
  ]);
  return { ...fuzzed, query, body: fuzzed.body?.replace(/"wait_seconds":[\d.e+]+/g, '"wait_seconds":0') };
}

/** URLs that lead out of this machine are not asked for. */
function harmless(body: string): string {
  return body.replace(/"url":"(?!http:\/\/(127|10|\[))[^"]*"/g, () => `"url":"${receiver.url}/hook"`);
}

async function send(method: string, path: string, { path: parts, query, headers, body }: Fuzzed) {
  let place = 0;
  const filled = path.replace(/\{\w+\}/g, () => {
    const part = parts[place++] ?? "";
    return encodeURIComponent((typeof part === "number" ? (ids[part % ids.length] ?? "") : part).toWellFormed()) || "_";
  });
  const search = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value.toWellFormed().slice(0, 4000)]));
  const hasBody = method !== "GET" && method !== "HEAD";
  const response = await app.fetch(`${filled}${search.size > 0 ? `?${search}` : ""}`, {
    method,
    headers: headers.filter(([, value]) => value.trim() !== ""),
    body: hasBody && body !== undefined ? harmless(body) : null,
    signal: AbortSignal.timeout(answeredWithinMs),
    redirect: "manual",
  });
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const isStream = type === "text/event-stream" || type === "application/x-ndjson";
  const text = isStream ? await firstOf(response) : await response.text();
  return { status: response.status, type, text, headers: response.headers, isStream };
}

async function firstOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return new TextDecoder().decode(value);
}

function isJson(type: string): boolean {
  return type === "application/json" || type === "application/problem+json";
}

async function attack(method: string, path: string, operation: Operation, fuzzed: Fuzzed): Promise<void> {
  const { status, type, text, headers, isStream } = await send(method, path, impatient(fuzzed));
  const said = `${status} ${type} ${text.slice(0, 500)}`;
  expect(status < 500 || status === 503, said).toBe(true);
  const documented = operation.responses[status];
  expect(documented, `not documented: ${said}`).toBeDefined();
  expect(headers.get("x-content-type-options"), said).toBe("nosniff");
  if (text === "") return;
  expect(Object.keys(documented?.content ?? {}), said).toContain(type);
  if (isStream || !isJson(type)) return;
  const pointer = ["paths", path, method.toLowerCase(), "responses", String(status), "content", type, "schema"];
  const check = ajv.getSchema(
    `document#/${pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`,
  );
  const value = JSON.parse(text);
  expect(check?.(value), `${said}: ${ajv.errorsText(check?.errors)}`).toBe(true);
  if (status >= 400) expect(value.status, said).toBe(status);
  else if (typeof value.id === "string" && ids.length < 1000) ids.push(value.id);
}

describe("whatever is sent to it, the answer is one that is documented", () => {
  test.each(operations)(
    "$name",
    async ({ method, path, operation }) => {
      const property = fc.asyncProperty(requestsOf(operation), (fuzzed) => attack(method, path, operation, fuzzed));
      await fc.assert(property, { numRuns: runs, seed, endOnFailure: runs > 100 });
    },
    60_000 + runs * 1000,
  );
});

test(
  "whatever is sent to the endpoint of agents, it answers in its protocol",
  async () => {
    const method = fc.constantFrom(
      "initialize",
      "tools/call",
      "tools/list",
      "resources/read",
      "subscriptions/listen",
      "ping",
      "__proto__",
    );
    const names = fc.constantFrom("create_note", "list_events", "get_note", "nothing");
    const params = fc.record({
      name: names,
      uri: hostileValues,
      arguments: hostileValues,
      protocolVersion: hostileValues,
      _meta: hostileValues,
    });
    const message = fc.record(
      {
        jsonrpc: fc.constantFrom("2.0", 2),
        id: hostileValues,
        method: fc.oneof(method, hostileValues),
        params: fc.oneof(params, hostileValues),
      },
      { requiredKeys: [] },
    );
    const body = fc.oneof(message, fc.array(message, { maxLength: 3 }), hostileValues).map((value) => JSON.stringify(value));
    const revision = fc.constantFrom("2025-06-18", "2026-07-28", "banana", undefined);
    const session = fc.constantFrom(undefined, "x", "matric-00000000-0000-0000-0000-000000000000");
    const property = fc.asyncProperty(body, revision, session, method, async (text, version, id, name) => {
      const headers = new Headers({
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-method": name,
      });
      if (version !== undefined) headers.set("mcp-protocol-version", version);
      if (id !== undefined) headers.set("mcp-session-id", id);
      const signal = AbortSignal.timeout(answeredWithinMs);
      const response = await app.fetch("/mcp", { method: "POST", headers, body: text, signal });
      const type = response.headers.get("content-type") ?? "";
      const said = type.startsWith("text/event-stream") ? await firstOf(response) : await response.text();
      expect(response.status < 500 || response.status === 503, `${response.status} ${said.slice(0, 300)}`).toBe(true);
      if (type.startsWith("application/json")) expect(JSON.parse(said)).toBeObject();
    });
    await fc.assert(property, { numRuns: runs * 8, seed });
  },
  60_000 + runs * 1000,
);

test("a method that an address does not take is refused, whichever it is", async () => {
  for (const path of Object.keys(document.paths)) {
    for (const method of ["PUT", "OPTIONS", "TRACE", "PROPFIND", "HEAD", "CONNECT", "X", "get"]) {
      const { status } = await send(method, path, { path: [0, 1], query: [], headers: [], body: undefined }).catch(() => ({
        status: 400,
      }));
      expect([method, path, status < 500]).toEqual([method, path, true]);
    }
  }
});

test("all the while nothing failed inside, and the server is well", async () => {
  expect(errors).toEqual([]);
  expect((await app.fetch("/health")).status).toBe(200);
  expect((await app.fetch("/health/ready")).status).toBe(200);
});
