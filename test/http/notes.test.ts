import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { EventPage, EventPoll } from "../../src/events/contract.ts";
import { Problem } from "../../src/http/problem.ts";
import { Job } from "../../src/jobs/contract.ts";
import { Note, NotePage, Revision, RevisionPage } from "../../src/notes/contract.ts";
import { checkEvent } from "../support/event-schema.ts";
import { startApp, type TestApp } from "../support/start-app.ts";

const Nothing = Type.Undefined();
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

async function write(title = "Sea", content = "It is deep.", tags?: string[]): Promise<Note> {
  const { body } = await app.call(Note, "POST", "/notes", { body: { title, content, ...(tags && { tags }) } });
  return body;
}

async function eventsAbout(note: Note) {
  const headers = { accept: "application/json" };
  const { body } = await app.call(EventPage, "GET", `/events?note_id=${note.id}`, { headers });
  for (const event of body.items) expect(checkEvent(event)).toEqual([]);
  return body.items.map(({ event, data }) => [event, data]);
}

describe("a note", () => {
  test("is created with its ETag and its place", async () => {
    const body = { title: "Sea", content: "It is deep.", tags: ["water"] };
    const created = await app.call(Note, "POST", "/notes", { body });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ ...body, version: 1 });
    expect(created.headers.get("etag")).toBe('"1"');
    expect(created.headers.get("location")).toBe(`/api/v1/notes/${created.body.id}`);
    const read = await app.call(Note, "GET", `/notes/${created.body.id}`);
    expect(read).toMatchObject({ status: 200, body: created.body });
    expect(read.headers.get("etag")).toBe('"1"');
  });

  test("is not sent again to a client that has it", async () => {
    const { id } = await write();
    for (const known of ['"1"', 'W/"1"', '"7", "1"', "*"]) {
      const read = await app.call(Nothing, "GET", `/notes/${id}`, { headers: { "if-none-match": known } });
      expect([known, read.status, read.headers.get("etag")]).toEqual([known, 304, '"1"']);
    }
    expect(await app.call(Note, "GET", `/notes/${id}`, { headers: { "if-none-match": '"2"' } })).toMatchObject({ status: 200 });
  });

  test("gets a new version by a change, and none by a change that changes nothing", async () => {
    const note = await write();
    const changed = await app.call(Note, "PATCH", `/notes/${note.id}`, { body: { content: "It is wide." } });
    expect(changed).toMatchObject({ status: 200, body: { title: "Sea", content: "It is wide.", version: 2 } });
    expect(changed.headers.get("etag")).toBe('"2"');
    const same = await app.call(Note, "PATCH", `/notes/${note.id}`, { body: { content: "It is wide.", title: "Sea" } });
    expect(same.body.version).toBe(2);
    expect(await eventsAbout(note)).toEqual([
      ["NoteCreated", { note_id: note.id, version: 1 }],
      ["NoteUpdated", { note_id: note.id, version: 2, changed: ["content"], source: "user" }],
    ]);
  });

  test("is gone when it is deleted, and back when it is restored", async () => {
    const { id } = await write();
    expect(await app.call(Nothing, "DELETE", `/notes/${id}`)).toMatchObject({ status: 204 });
    expect(await app.call(Problem, "GET", `/notes/${id}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
    const restored = await app.call(Note, "POST", `/notes/${id}/restore`);
    expect(restored).toMatchObject({ status: 200, body: { id, title: "Sea" } });
    expect(restored.headers.get("etag")).toBe(`"${restored.body.version}"`);
    expect(await app.call(Problem, "POST", `/notes/${id}/restore`)).toMatchObject({ status: 409, body: { code: "conflict" } });
  });

  test("has revisions, each of which can be taken back", async () => {
    const { id } = await write("Sea", "deep");
    await app.call(Note, "PATCH", `/notes/${id}`, { body: { content: "wide" } });
    const list = await app.call(RevisionPage, "GET", `/notes/${id}/revisions`);
    expect(list.body.items.map(({ version, content }) => [version, content])).toEqual([
      [2, "wide"],
      [1, "deep"],
    ]);
    const first = await app.call(Revision, "GET", `/notes/${id}/revisions/1`);
    expect(first).toMatchObject({ status: 200, body: { content: "deep", source: "user", applied: true } });
    const restored = await app.call(Note, "POST", `/notes/${id}/revisions/1/restore`);
    expect(restored).toMatchObject({ status: 200, body: { content: "deep", version: 3 } });
    expect(restored.headers.get("etag")).toBe('"3"');
  });

  test("is revised by a job", async () => {
    const note = await write("Sea", "* deep\n* wide\n");
    const revise = await app.call(Job, "POST", `/notes/${note.id}/revise`, { body: { instructions: "Tidy it." } });
    expect(revise).toMatchObject({ status: 202, body: { type: "ai_revision", note_id: note.id } });
    expect(revise.headers.get("location")).toBe(`/api/v1/jobs/${revise.body.id}`);
    await app.call(EventPoll, "GET", `/events?transport=poll&since=earliest&events=JobCompleted&job_id=${revise.body.id}`);
    const job = await app.call(Job, "GET", `/jobs/${revise.body.id}`);
    expect(job.body).toMatchObject({ status: "completed", progress: 100, result: { model: "builtin-tidy", outcome: "applied" } });
    const revised = await app.call(Note, "GET", `/notes/${note.id}`);
    expect(revised.body).toMatchObject({ content: "- deep\n- wide\n", version: 2 });
  });

  test("needs no body to be revised", async () => {
    const { id } = await write();
    const response = await app.fetch(`/api/v1/notes/${id}/revise`, { method: "POST" });
    expect(response.status).toBe(202);
  });
});

describe("If-Match", () => {
  /** The answer to a change of a note that is at version 2. */
  async function changeIf(ifMatch: string, method = "PATCH", path = "") {
    const { id } = await write();
    await app.call(Note, "PATCH", `/notes/${id}`, { body: { title: "Ocean" } });
    const body = method === "PATCH" ? { body: { title: "Lake" } } : {};
    const answer = Type.Union([Problem, Note, Nothing]);
    return app.call(answer, method, `/notes/${id}${path}`, { ...body, headers: { "if-match": ifMatch } });
  }

  test.each(['"2"', "*", '"1", "2"', ' "7" ,, "2" ', '"x,y", "2"', "2"])(
    "%s lets a note at version 2 be changed",
    async (ifMatch) => {
      expect(await changeIf(ifMatch)).toMatchObject({ status: 200, body: { version: 3 } });
    },
  );

  test.each(['"1"', 'W/"2"', '"1", "3"', '"x"', '"02"', 'W/"2", "1"', "1"])(
    "%s does not, and the answer tells the version",
    async (ifMatch) => {
      const refused = await changeIf(ifMatch);
      expect(refused).toMatchObject({ status: 412, body: { code: "version_conflict", current_version: 2 } });
      expect(refused.headers.get("etag")).toBe('"2"');
    },
  );

  test.each(["two", '"2', '2"', '"1" "2"', "w/2"])("%s cannot be read", async (ifMatch) => {
    expect(await changeIf(ifMatch)).toMatchObject({ status: 400, body: { code: "malformed" } });
  });

  test("holds for deleting and for restoring a revision, too", async () => {
    expect(await changeIf('"1"', "DELETE")).toMatchObject({ status: 412 });
    expect(await changeIf('"2"', "DELETE")).toMatchObject({ status: 204 });
    expect(await changeIf('"1"', "POST", "/revisions/1/restore")).toMatchObject({ status: 412 });
    expect(await changeIf('"2"', "POST", "/revisions/1/restore")).toMatchObject({ status: 200, body: { version: 3 } });
  });

  test("of two who change the same version one is told of the conflict", async () => {
    const { id } = await write();
    const change = (title: string) =>
      app.call(Type.Union([Note, Problem]), "PATCH", `/notes/${id}`, { body: { title }, headers: { "if-match": '"1"' } });
    const both = await Promise.all([change("Ocean"), change("Lake")]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  test("an unknown note is not found, whatever version is expected of it", async () => {
    for (const ifMatch of ["*", '"1"', '"1", "2"']) {
      const headers = { "if-match": ifMatch };
      const answer = await app.call(Problem, "PATCH", "/notes/nobody", { body: { title: "x" }, headers });
      expect([ifMatch, answer.status]).toEqual([ifMatch, 404]);
    }
  });
});

describe("the list of notes", () => {
  test("has pages that lead through all of them, the newest change first", async () => {
    const tag = "pages";
    const notes = [await write("One", "", [tag]), await write("Two", "", [tag]), await write("Three", "", [tag])];
    const first = await app.call(NotePage, "GET", `/notes?tag=${tag}&limit=2&_=1732522800`);
    expect(first.body.items.map(({ title }) => title)).toEqual(["Three", "Two"]);
    const second = await app.call(NotePage, "GET", `/notes?tag=${tag}&limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body).toEqual({ items: notes.slice(0, 1), next_cursor: null });
  });

  test("is searched by words", async () => {
    const note = await write("Zeppelin", "floats above the harbour");
    const found = await app.call(NotePage, "GET", "/notes?q=harbour%20zepp");
    expect(found.body.items).toEqual([note]);
    expect((await app.call(NotePage, "GET", "/notes?q=zeppelin%20submarine")).body.items).toEqual([]);
  });

  test("names the parameter that is wrong", async () => {
    for (const [query, field] of [
      ["limit=0", "limit"],
      ["limit=501", "limit"],
      ["limit=ten", "limit"],
      ["limit=2&limit=3", "limit"],
      ["cursor=nonsense", "cursor"],
      ["tags=water", "tags"],
      [`q=${"x".repeat(1001)}`, "q"],
    ]) {
      const answer = await app.call(Problem, "GET", `/notes?${query}`);
      expect([query, answer.status, answer.body.code, answer.body.field]).toEqual([query, 422, "invalid", field]);
    }
  });
});

test("an id that no note can have is not found", async () => {
  for (const id of ["nobody", "%00", "%zz", "..%2f", "0", "01a20ad6-7bfb-703a-92f8-0d83ee77f4e4", "x".repeat(2000)]) {
    const answer = await app.call(Problem, "GET", `/notes/${id}`);
    expect([id, answer.status]).toEqual([id, 404]);
  }
  const { id } = await write();
  for (const version of ["0", "2", "-1", "1.0", "one", "99999999999999999999"]) {
    const answer = await app.call(Problem, "GET", `/notes/${id}/revisions/${version}`);
    expect([version, answer.status]).toEqual([version, 404]);
  }
});
