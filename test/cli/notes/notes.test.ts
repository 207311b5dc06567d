import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run as edit } from "../../../cli/notes/edit.ts";
import { run as show } from "../../../cli/notes/show.ts";
import { type Client, createClient } from "../../../src/client/client.ts";
import { jsonLines, runCli } from "../../support/cli.ts";
import { fakeIo } from "../../support/fake-io.ts";
import { ServerProcess } from "../../support/server-process.ts";

let server: ServerProcess;
let client: Client;
beforeAll(async () => {
  server = await ServerProcess.start();
  client = createClient({ url: server.url });
});
afterAll(() => server.stop());

const run = (args: string[], stdin?: string | Uint8Array) =>
  runCli(["notes", ...args], stdin === undefined ? { url: server.url } : { url: server.url, stdin });
const errorIn = (stderr: string) => jsonLines(stderr)[0]?.error;

/** The surroundings of somebody at a terminal. */
function terminal(env: Record<string, string> = {}) {
  const surroundings = fakeIo({ isTty: true, env: { NO_COLOR: "1", ...env } });
  return { ...surroundings, context: { io: surroundings.io, client, json: false, signal: new AbortController().signal } };
}

describe("notes add", () => {
  test("takes the text from stdin and the title from its heading, and writes the id", async () => {
    const { code, stdout, stderr } = await run(["add", "--tag", "a,b", "--tag", "c"], "# From *stdin*\n\ntext\n");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await client.notes.get(stdout.trim())).toMatchObject({
      title: "From stdin",
      content: "# From *stdin*\n\ntext\n",
      tags: ["a", "b", "c"],
      version: 1,
    });
  });

  test("takes it from a file or an option, and writes the note as JSON", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "matric-test-")), "note.md");
    await writeFile(file, "text");
    const [note] = jsonLines((await run(["add", "--title", "Mine", "--file", file, "--json"])).stdout);
    expect(note).toMatchObject({ title: "Mine", content: "text", tags: [] });
    const [other] = jsonLines((await run(["add", "--content", "# T", "--json"])).stdout);
    expect(other).toMatchObject({ title: "T", content: "# T" });
  });

  test("refuses a text from two places", async () => {
    const { code, stderr } = await run(["add", "--title", "Two", "--content", "a", "--file", "-", "--json"], "b");
    expect(code).toBe(2);
    expect(errorIn(stderr)).toEqual({
      code: "usage",
      message: "The text comes from --content or from --file, not from both.",
    });
  });

  test("says what is missing or wrong", async () => {
    expect(await run(["add"], "no heading")).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--title") });
    expect(await run(["add", "--file", "/nowhere.md"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("/nowhere.md cannot be read"),
    });
    expect((await run(["add", "--title", "X"], new Uint8Array([0xff]))).code).toBe(1);
    const tooLong = await run(["add", "--title", "x".repeat(501), "--content", "", "--json"]);
    expect(tooLong.code).toBe(2);
    expect(errorIn(tooLong.stderr)).toMatchObject({ code: "invalid", field: "title" });
  });
});

describe("notes list and show", () => {
  test("finds by words and by tag", async () => {
    const { id } = await client.notes.create({ title: "Needle", content: "in a haystack", tags: ["found"] });
    await client.notes.create({ title: "Other", content: "needless" });
    expect(jsonLines((await run(["list", "--search", "haystack", "--json"])).stdout).map((note) => note.id)).toEqual([id]);
    const plain = await run(["list", "--tag", "found"]);
    expect(plain.stdout.split("\t").slice(0, 4)).toEqual([id, "Needle", "found", "1"]);
    expect(await run(["list", "--tag", "nothing"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("shows a note whole, or its text unchanged", async () => {
    const content = "a\r\n\x1b[31mb\u202e";
    const { id } = await client.notes.create({ title: "Shown", content });
    expect((await run(["show", id, "--content"])).stdout).toBe(content);
    expect((await run(["show", id])).stdout).toEndWith(`--\n${content}\n`);
    expect(jsonLines((await run(["show", id, "--json"])).stdout)).toEqual([expect.objectContaining({ id, content })]);
  });

  test("on a terminal a note cannot steer it", async () => {
    const { id } = await client.notes.create({ title: "Nasty", content: "a\r\n\tb\x1b[31m" });
    const { context, stdout } = terminal();
    await show(id, {}, context);
    expect(stdout.text).toEndWith("\na\n\tb\\u001b[31m\n");
  });

  test("what is not there ends with 3", async () => {
    const missing = await run(["show", "0197a0b2-0000-7000-8000-000000000000", "--json"]);
    expect(missing).toMatchObject({ code: 3, stdout: "" });
    expect(errorIn(missing.stderr)).toMatchObject({ code: "not_found", status: 404 });
    expect((await run(["show", ".."])).code).toBe(3);
    expect((await run(["revise", "nonsense"])).code).toBe(3);
  });
});

describe("notes edit", () => {
  test("changes what is named and keeps the rest", async () => {
    const { id } = await client.notes.create({ title: "Before", content: "text", tags: ["a", "b"] });
    expect((await run(["edit", id, "--title", "After", "--add-tag", "c", "--remove-tag", "a"])).stdout).toBe(`${id}\n`);
    expect(await client.notes.get(id)).toMatchObject({ title: "After", content: "text", tags: ["b", "c"], version: 2 });
    await run(["edit", id, "--file", "-", "--tag", "z"], "new text");
    expect(await client.notes.get(id)).toMatchObject({ title: "After", content: "new text", tags: ["z"], version: 3 });
    const [same] = jsonLines((await run(["edit", id, "--title", "After", "--json"])).stdout);
    expect(same).toMatchObject({ version: 3 });
  });

  test("is refused when the version is another one", async () => {
    const { id } = await client.notes.create({ title: "Contested", content: "" });
    await client.notes.update(id, { title: "Changed" });
    const stale = await run(["edit", id, "--title", "Mine", "--if-version", "1", "--json"]);
    expect(stale.code).toBe(1);
    expect(errorIn(stale.stderr)).toMatchObject({ code: "version_conflict", current_version: 2 });
    expect((await client.notes.get(id)).title).toBe("Changed");
  });

  test("without options it needs a terminal", async () => {
    const { id } = await client.notes.create({ title: "Lonely", content: "" });
    expect((await run(["edit", id])).code).toBe(2);
  });

  test("opens the text in the editor", async () => {
    const { id } = await client.notes.create({ title: "Edited", content: "one\ntwo\n" });
    const { context, stdout } = terminal({ EDITOR: "sed -i s/two/three/" });
    await edit(id, {}, context);
    expect(await client.notes.get(id)).toMatchObject({ content: "one\nthree\n", version: 2 });
    expect(stdout.text).toBe(`Note ${id} now has version 2.\n`);
    const again = terminal({ EDITOR: "true" });
    await edit(id, {}, again.context);
    expect(again.stdout.text).toBe(`Nothing changed in note ${id}.\n`);
  });

  test("keeps the text where somebody else was faster", async () => {
    const { id } = await client.notes.create({ title: "Raced", content: "one" });
    const body = '{\\"content\\":\\"theirs\\"}';
    const patch = `curl -s -X PATCH -H 'content-type: application/json' -d "${body}" ${server.url}/api/v1/notes/${id} > /dev/null; sed -i s/one/mine/`;
    const { context } = terminal({ VISUAL: patch });
    const error = await edit(id, {}, context).catch((cause: unknown) => cause);
    const [, file = ""] = /Your text is kept in (\S+)\.$/.exec(String(error)) ?? [];
    expect(await readFile(file, "utf8")).toBe("mine");
    expect((await client.notes.get(id)).content).toBe("theirs");
  });

  test("changes nothing when the editor fails or there is none", async () => {
    const { id } = await client.notes.create({ title: "Kept", content: "one" });
    expect(edit(id, {}, terminal({ EDITOR: "false" }).context)).rejects.toThrow("failed");
    expect(edit(id, {}, terminal().context)).rejects.toThrow("set EDITOR");
    expect((await client.notes.get(id)).version).toBe(1);
  });
});

describe("notes remove, restore and revisions", () => {
  test("what is removed can be brought back", async () => {
    const ids = await Promise.all(["One", "Two"].map(async (title) => (await client.notes.create({ title, content: "" })).id));
    expect((await run(["remove", ...ids])).stdout).toBe(ids.map((id) => `${id}\n`).join(""));
    expect((await run(["show", ids[0] ?? ""])).code).toBe(3);
    expect((await run(["restore", ids[0] ?? ""])).code).toBe(0);
    expect((await run(["show", ids[0] ?? ""])).code).toBe(0);
  });

  test("older versions are listed, shown and restored", async () => {
    const { id } = await client.notes.create({ title: "First", content: "one" });
    await client.notes.update(id, { content: "two" });
    expect(
      jsonLines((await run(["revisions", id, "--json"])).stdout)
        .map(({ version }) => version)
        .sort(),
    ).toEqual([1, 2]);
    expect((await run(["revisions", id])).stdout.split("\n").filter((line) => line !== "")).toHaveLength(2);
    expect((await run(["show", id, "--revision", "1", "--content"])).stdout).toBe("one");
    const [restored] = jsonLines((await run(["restore", id, "--revision", "1", "--json"])).stdout);
    expect(restored).toMatchObject({ content: "one", version: 3 });
  });
});

describe("notes revise", () => {
  test("queues a job, and with --wait ends with it", async () => {
    const { id } = await client.notes.create({ title: "Rough", content: "*  item\n" });
    const queued = await run(["revise", id]);
    expect(queued.code).toBe(0);
    expect(await client.jobs.get(queued.stdout.trim())).toMatchObject({ type: "ai_revision", note_id: id });
    const waited = await run(["revise", id, "--instructions", "tidy up", "--wait", "--json"]);
    expect({ code: waited.code, stderr: waited.stderr }).toEqual({ code: 0, stderr: "" });
    expect(jsonLines(waited.stdout)).toEqual([expect.objectContaining({ note_id: id, status: "completed", progress: 100 })]);
  });
});
