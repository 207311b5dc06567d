import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runProgram } from "../../../cli/program.ts";
import { createClient } from "../../../src/client/client.ts";
import { fakeIo } from "../../support/fake-io.ts";
import { startApp, type TestApp } from "../../support/start-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** What the last word may become, by its description. */
async function completed(words: readonly string[], url = app.url): Promise<Record<string, string>> {
  const { io, stdout, stderr } = fakeIo({ env: { MATRIC_URL: url } });
  expect(await runProgram(["__complete", ...words], io, "0.0.0")).toBe(0);
  expect(stderr.text).toBe("");
  const lines = stdout.text.split("\n").filter(Boolean);
  return Object.fromEntries(lines.map((line) => line.split("\t")));
}
const namesOf = async (...words: string[]) => Object.keys(await completed(words));

describe("what is being typed", () => {
  test("may be a command, whatever options stand before it", async () => {
    expect(await completed(["ev"])).toEqual({ events: "follow, read and publish events" });
    expect(await namesOf("")).toContain("completion");
    expect(await namesOf("events", "")).toEqual(["tail", "list", "publish"]);
    expect(await namesOf("--url", "http://x", "notes", "--json", "rev")).toEqual(["revisions", "revise"]);
  });

  test("may be an option of that very command", async () => {
    expect(await namesOf("events", "tail", "--unt")).toEqual(["--until-idle"]);
    expect(await namesOf("notes", "show", "some-id", "--js")).toEqual(["--json"]);
    expect(await namesOf("status", "")).toContain("--url");
  });

  test("may be one of the values that an option or argument takes", async () => {
    expect(await namesOf("jobs", "list", "--status", "c")).toEqual(["completed", "cancelled"]);
    expect(await namesOf("jobs", "list", "--status=c")).toEqual(["--status=completed", "--status=cancelled"]);
    expect(await namesOf("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await namesOf("webhooks", "listen", "--format", "c")).toEqual(["cloudevents"]);
    expect(await namesOf("events", "tail", "--events", "NoteCreated,JobC")).toEqual([
      "NoteCreated,JobCompleted",
      "NoteCreated,JobCancelled",
    ]);
    expect(await namesOf("tokens", "create", "x", "--scopes", "notes:read,notes:")).toEqual(["notes:read,notes:write"]);
  });

  test("may be an id that the server knows, with what it stands for", async () => {
    const { id } = await createClient({ url: app.url }).notes.create({ title: "Plan\u202e", content: "x", tags: [] });
    const found = await completed(["notes", "show", ""]);
    expect(Object.keys(found)).toEqual([id]);
    expect(found[id]).not.toContain("\u202e");
    expect(await namesOf("notes", "remove", id, "")).toEqual([id]);
    expect(await namesOf("events", "tail", "--note", id.slice(0, 10))).toEqual([id]);
    expect(await completed(["--url", app.url, "notes", "show", ""], "http://127.0.0.1:1")).toEqual(found);
  });

  test("may be anything where nothing is known: the shell then offers files", async () => {
    expect(await completed(["notes", "import", ""])).toEqual({});
    expect(await completed(["notes", "add", "--file", ""])).toEqual({});
    expect(await completed(["nonsense", "x"])).toEqual({});
  });

  test("is not disturbed by a server that is away, or by an address that is none", async () => {
    expect(await completed(["notes", "show", ""], "http://127.0.0.1:1")).toEqual({});
    expect(await completed(["notes", "show", ""], "ftp://nonsense")).toEqual({});
  });
});
