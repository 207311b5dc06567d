import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Static } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { Problem } from "../../src/http/problem.ts";
import { Note } from "../../src/notes/contract.ts";
import { errorLog } from "../support/error-log.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const mebibyte = 1024 * 1024;
let app: TestApp;

beforeAll(async () => {
  app = await startApp({ jobTypes: ["resize"] });
});
afterAll(() => app.stop());

/** Sends a body as it is, and takes the problem that comes back. */
async function refusal(path: string, body: RequestInit["body"], headers: Record<string, string> = {}, method = "POST") {
  const sent = { method, headers: { "content-type": "application/json", ...headers }, ...(body === undefined ? {} : { body }) };
  return problemIn(await app.fetch(`/api/v1${path}`, sent));
}

async function problemIn(response: Response): Promise<Static<typeof Problem>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem: unknown = await response.json();
  if (!Value.Check(Problem, problem)) throw new Error(`${JSON.stringify(problem)} is no problem document`);
  expect(problem).toMatchObject({ status: response.status, type: `urn:matric:error:${problem.code}` });
  return problem;
}

describe("a field that is wrong is named, with what would be right", () => {
  const good = { title: "Sea", content: "deep" };
  const tooMany = Array.from({ length: 65 }, (_, index) => String(index));

  test.each<[path: string, body: unknown, field: string | undefined, detail: string]>([
    ["/notes", { content: "deep" }, "title", "title is missing; it must be a string of 1 to 500 characters."],
    ["/notes", { ...good, title: 3 }, "title", "title must be a string of 1 to 500 characters, not 3."],
    ["/notes", { ...good, title: "" }, "title", 'title must be a string of 1 to 500 characters, not "".'],
    ["/notes", { ...good, title: "x".repeat(501) }, "title", "title must be a string of 1 to 500 characters."],
    ["/notes", { ...good, title: " " }, "title", "title must not be empty."],
    ["/notes", { ...good, content: null }, "content", "content must be a string, not null."],
    ["/notes", { ...good, tags: "sea" }, "tags", 'tags must be an array of at most 64 items, not "sea".'],
    ["/notes", { ...good, tags: tooMany }, "tags", "tags must be an array of at most 64 items."],
    ["/notes", { ...good, tags: ["a", 1] }, "tags.1", "tags.1 must be a string of 1 to 64 characters, not 1."],
    ["/notes", { ...good, tag: "a" }, "tag", "tag is not known here; the fields are title, content, tags."],
    ["/notes", [good], undefined, "The body must be an object."],
    ["/notes", null, undefined, "The body must be an object, not null."],
    ["/webhooks/01a214ec-2bd0-719d-9df8-000000000000/rotate-secret", 5, undefined, "The body must be an object, not 5."],
    ["/webhooks/01a214ec-2bd0-719d-9df8-000000000000/rotate-secret", [], undefined, "The body must be an object."],
    ["/notes/01a214ec-2bd0-719d-9df8-000000000000/revise", "", undefined, 'The body must be an object, not "".'],
    ["/queue/pause", [1], undefined, "The body must be an object."],
    ["/jobs", { type: "resize", priority: "5" }, "priority", 'priority must be a whole number from -1000 to 1000, not "5".'],
    ["/jobs", { type: "resize", priority: 1.5 }, "priority", "priority must be a whole number from -1000 to 1000, not 1.5."],
    ["/jobs", { type: "resize", deduplicate: 1 }, "deduplicate", "deduplicate must be true or false, not 1."],
    ["/jobs", { type: "resize", payload: [] }, "payload", "payload must be an object."],
    ["/jobs", { type: "Resize" }, "type", 'type must be a string that matches ^[a-z][a-z0-9_.-]{0,63}$, not "Resize".'],
    ["/jobs/claim", { types: [], worker_id: "w" }, "types", "types must be an array of 1 to 100 items."],
    ["/events", { event: "ThingDone" }, "data", "data is missing; it must be an object."],
    ["/events", [{ event: "ThingDone", data: {} }, 1], "1", "1 must be an object, not 1."],
    ["/events", [{ event: "ThingDone", data: [] }], "0.data", "0.data must be an object."],
    ["/events", { event: "ThingDone", data: {}, to: "x" }, "to", "to is not known here; the fields are event, data, subject."],
  ])("POST %s %j", async (path, body, field, detail) => {
    expect(await refusal(path, JSON.stringify(body))).toMatchObject({
      status: 422,
      code: "invalid",
      detail,
      ...(field && { field }),
    });
  });

  test("a field's name is not repeated at any length", async () => {
    const problem = await refusal("/notes", JSON.stringify({ ...good, ["x".repeat(100_000)]: 1 }));
    expect(problem.status).toBe(422);
    expect(JSON.stringify(problem).length).toBeLessThan(1000);
  });

  test("a name that an object has by itself is a field like any other", async () => {
    expect(await refusal("/notes", '{"title":"Sea","content":"deep","__proto__":{"tags":[]}}')).toMatchObject({
      field: "__proto__",
    });
    expect(await refusal("/notes", '{"title":"Sea","content":"deep","toString":1}')).toMatchObject({ field: "toString" });
  });
});

describe("a body that cannot be read", () => {
  test("is not taken when it is compressed", async () => {
    for (const path of ["/notes", "/events"]) {
      const body = Bun.gzipSync(JSON.stringify({ title: "Sea", content: "deep" }));
      expect(await refusal(path, body, { "content-encoding": "gzip" })).toMatchObject({
        status: 415,
        code: "unsupported_media_type",
        detail: "Send the body as it is, without Content-Encoding: gzip.",
      });
    }
    const large = await refusal("/notes", "x".repeat(2 * mebibyte), { "content-encoding": "gzip" });
    expect(large).toMatchObject({ status: 413, limit: "body_bytes" });
    expect(await refusal("/notes", "{bad", { "content-encoding": "Identity" })).toMatchObject({ status: 400, code: "malformed" });
  });

  test("is malformed when it is not JSON, or not UTF-8", async () => {
    for (const body of [
      "{",
      "nonsense",
      '{"title":"Sea",}',
      "\u0000",
      '{"title":"\n"}',
      new Uint8Array([0x7b, 0x22, 0xff, 0x22]),
    ]) {
      expect(await refusal("/notes", body)).toMatchObject({ status: 400, code: "malformed" });
    }
  });

  test("may hold the character that stands for what is no UTF-8, but not what it would stand for", async () => {
    const note = (await app.call(Note, "POST", "/notes", { body: { title: "Odd \ufffd", content: "\ufffd" } })).body;
    expect(note).toMatchObject({ title: "Odd \ufffd", content: "\ufffd" });
    const [head, tail] = ['{"title":"Sea","content":"', '"}'].map((text) => [...Buffer.from(text)]);
    for (const bad of [[0xff], [0xc3, 0x28], [0xf0, 0x9f, 0x98], [0xed, 0xa0, 0x80]]) {
      const body = new Uint8Array([...(head ?? []), ...bad, ...(tail ?? [])]);
      expect(await refusal("/notes", body)).toMatchObject({
        status: 400,
        code: "malformed",
        detail: "The body is not valid UTF-8.",
      });
    }
  });

  test("is malformed when it is empty, unless no field of it is needed", async () => {
    const json = { "content-type": "application/json" };
    for (const path of ["/notes", "/jobs", "/events", "/jobs/claim", "/jobs/any/progress", "/jobs/any/fail", "/webhooks"]) {
      for (const sent of [{ headers: json, body: "" }, {}]) {
        const problem = await problemIn(await app.fetch(`/api/v1${path}`, { method: "POST", ...sent }));
        expect(problem).toMatchObject({ status: 400, code: "malformed", detail: "The body is empty; it must be JSON." });
      }
    }
    const note = (await app.call(Note, "POST", "/notes", { body: { title: "Sea", content: "deep" } })).body;
    const patched = await app.fetch(`/api/v1/notes/${note.id}`, { method: "PATCH", headers: json });
    expect(await problemIn(patched)).toMatchObject({ status: 400, code: "malformed" });
    const revised = await app.fetch(`/api/v1/notes/${note.id}/revise`, { method: "POST", headers: json });
    expect(revised.status).toBe(202);
  });

  test("is of a type that is not taken when it is not sent as JSON", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonp",
      "",
    ]) {
      const problem = await refusal("/notes", '{"title":"Sea","content":"deep"}', { "content-type": type });
      expect([type, problem.status, problem.code]).toEqual([type, 415, "unsupported_media_type"]);
    }
  });

  test("may be sent as any kind of JSON", async () => {
    for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]) {
      const answer = await app.call(Note, "POST", "/notes", {
        body: { title: "Sea", content: "" },
        headers: { "content-type": type },
      });
      expect([type, answer.status]).toEqual([type, 201]);
    }
  });

  test("is refused when it nests without end, and the server lives on", async () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    for (const depth of [65, 1000, 100_000, 500_000]) {
      for (const body of [`{"title":"Sea","content":${nested(depth - 1)}}`, nested(depth)]) {
        expect(await refusal("/notes", body)).toMatchObject({ status: 422, code: "invalid" });
      }
    }
    for (const unclosed of ["[", '{"a":']) {
      expect(await refusal("/notes", unclosed.repeat(200_000))).toMatchObject({ status: 422, code: "invalid" });
    }
    const data = JSON.parse(`{"deep":${nested(62)},"text":"[[[[\\"{{{{\\\\"}`);
    const published = await app.fetch("/api/v1/events", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ event: "ThingDone", data }),
    });
    expect(published.status).toBe(201);
  });

  test("a text with any number of brackets is no nesting", async () => {
    const content = `${'[{"\\'.repeat(10_000)}`;
    expect(await app.call(Note, "POST", "/notes", { body: { title: "Brackets", content } })).toMatchObject({ status: 201 });
  });
});

describe("a body that is too large", () => {
  test.each([mebibyte + 1, 2 * mebibyte, 50 * mebibyte])("of %d bytes is refused, declared or not", async (bytes) => {
    const body = Buffer.alloc(bytes, "a");
    expect(await refusal("/notes", body)).toMatchObject({ status: 413, code: "too_large" });
    const chunks = new ReadableStream({
      async start(controller) {
        for (let sent = 0; sent < bytes; sent += mebibyte) controller.enqueue(body.subarray(sent, sent + mebibyte));
        controller.close();
      },
    });
    expect(await refusal("/notes", chunks)).toMatchObject({ status: 413, code: "too_large" });
  });

  test("is refused before it is sent to a client that asks first", async () => {
    const head = ["POST /api/v1/notes HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Content-Length: 52428800"];
    const answer = await exchange(`${head.join("\r\n")}\r\nExpect: 100-continue\r\n\r\n`, /too_large/);
    expect(answer).toMatch(/^HTTP\/1.1 (100 Continue\r\n\r\nHTTP\/1.1 )?413/);
  });

  test("a content that fits the body, and not the note, is too large as well", async () => {
    const small = await startApp({ bodyBytesMax: 2048 });
    try {
      const body = { title: "Sea", content: "x".repeat(2048) };
      expect(await small.call(Problem, "POST", "/notes", { body })).toMatchObject({ status: 413, body: { code: "too_large" } });
    } finally {
      await small.stop();
    }
  });
});

/** Sends bytes to the server and reads until the answer matches. */
function exchange(bytes: string, until: RegExp): Promise<string> {
  const { port, hostname } = new URL(app.url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on("data", (data) => {
      answer += data.toString();
      if (!until.test(answer)) return;
      socket.destroy();
      resolve(answer);
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

describe("an address", () => {
  test("where nothing is", async () => {
    for (const path of [
      "/nothing",
      "/api",
      "/api/v1",
      "/api/v1/nothing",
      "/api/v1/notes/a/b/c",
      "/api/v1/notes//revisions/x/y",
    ]) {
      const problem = await problemIn(await app.fetch(path));
      expect([path, problem.status, problem.code]).toEqual([path, 404, "not_found"]);
    }
  });

  test("that does not take the method tells which it takes", async () => {
    for (const [method, path, allow] of [
      ["PUT", "/api/v1/notes", "GET, HEAD, POST"],
      ["POST", "/api/v1/notes/some", "DELETE, GET, HEAD, PATCH"],
      ["DELETE", "/api/v1/jobs/some/cancel", "POST"],
      ["GET", "/api/v1/notes/some/revise", "POST"],
      ["OPTIONS", "/api/v1/events/", "GET, HEAD, POST"],
      ["POST", "/health", "GET, HEAD"],
    ] as const) {
      const response = await app.fetch(path, { method });
      expect([path, response.headers.get("allow")]).toEqual([path, allow]);
      expect(await problemIn(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
    }
  });

  test("is asked for its head as for its whole, and a stream's head has an end", async () => {
    const { body: note } = await app.call(Note, "POST", "/notes", { body: { title: "Sea", content: "deep" } });
    const head = await app.fetch(`/api/v1/notes/${note.id}`, { method: "HEAD" });
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, '"1"', ""]);
    for (const query of ["", "?transport=poll"]) {
      const stream = await app.fetch(`/api/v1/events${query}`, { method: "HEAD" });
      expect([stream.status, await stream.text()]).toEqual([200, ""]);
    }
    expect(await (await app.fetch("/api/v1/connections")).json()).toMatchObject({ items: [] });
  });
});

test("what fails inside is told in the log, and of it no word to the client", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  const { logger, errors } = errorLog();
  const other = await startApp({ dataDir }, { logger });
  const { body } = await other.call(Note, "POST", "/notes", { body: { title: "Sea", content: "deep" } });
  const sqlite = new Database(join(dataDir, "matric.db"));
  sqlite.run("UPDATE notes SET created_at = 9e18");
  sqlite.close();
  const problem = await problemIn(await other.fetch(`/api/v1/notes/${body.id}`));
  expect(problem).toEqual({
    type: "urn:matric:error:internal",
    title: "Internal error",
    status: 500,
    code: "internal",
    detail: "Something went wrong on the server; its log tells what.",
  });
  expect(errors).toEqual([expect.stringContaining("Invalid Date")]);
  await other.stop();
  rmSync(dataDir, { recursive: true });
});
