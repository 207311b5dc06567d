import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Client, createClient } from "../../../src/client/client.ts";
import { jsonLines, runCli } from "../../support/cli.ts";
import { ServerProcess } from "../../support/server-process.ts";

let server: ServerProcess;
let client: Client;
let folder: string;
beforeAll(async () => {
  server = await ServerProcess.start();
  client = createClient({ url: server.url });
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "matric-test-"));
});

async function write(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), content);
}

async function runImport(dir = folder) {
  const { code, stdout, stderr } = await runCli(["notes", "import", dir, "--json"], { url: server.url });
  const files = jsonLines(stdout).sort((a, b) => String(a.path).localeCompare(String(b.path)));
  return { code, stderr, files, outcomes: Object.fromEntries(files.map(({ path, outcome }) => [path, outcome])) };
}

const noteOf = (files: Record<string, unknown>[], path: string) =>
  client.notes.get(String(files.find((file) => file.path === path)?.note_id));

describe("notes import", () => {
  test("makes a note of every file, with title and tags, and keeps the text as it is", async () => {
    const text = "---\ntags: [x, y]\n---\n\n# Heading\r\n\r\ntext\n";
    await write("a/one.md", text);
    await write("two words.markdown", "no heading");
    await write("empty.md", "");
    const { code, files } = await runImport();
    expect(code).toBe(0);
    expect(files.map(({ path, outcome }) => [path, outcome])).toEqual([
      ["a/one.md", "created"],
      ["empty.md", "created"],
      ["two words.markdown", "created"],
    ]);
    const one = await noteOf(files, "a/one.md");
    expect(one).toMatchObject({ title: "Heading", content: text });
    expect(one.tags.slice(0, 2)).toEqual(["x", "y"]);
    expect(await noteOf(files, "two words.markdown")).toMatchObject({ title: "two words", content: "no heading" });
    expect(await noteOf(files, "empty.md")).toMatchObject({ title: "empty", content: "" });
  });

  test("running it twice changes nothing: no version, no event", async () => {
    for (let n = 0; n < 40; n++) await write(`${n}.md`, `# Note ${n}`);
    await runImport();
    const { log } = await client.server.health();
    const again = await runImport();
    expect(new Set(Object.values(again.outcomes))).toEqual(new Set(["unchanged"]));
    expect((await client.server.health()).log.head).toBe(log.head);
  });

  test("brings over what changed, and only that, under the same note", async () => {
    await write("a.md", "# A");
    await write("b.md", "# B");
    const first = await runImport();
    await write("a.md", "# A, changed");
    await write("c.md", "# C");
    const second = await runImport();
    expect(second.outcomes).toEqual({ "a.md": "updated", "b.md": "unchanged", "c.md": "created" });
    const changed = await noteOf(second.files, "a.md");
    expect(changed).toMatchObject({
      title: "A, changed",
      content: "# A, changed",
      version: 2,
      id: (await noteOf(first.files, "a.md")).id,
    });
    await write("a.md", "# A");
    expect((await runImport()).outcomes["a.md"]).toBe("updated");
    expect((await noteOf(first.files, "a.md")).content).toBe("# A");
  });

  test("leaves a note alone that was edited here while its file stayed the same", async () => {
    await write("a.md", "# A");
    const { files } = await runImport();
    const { id } = await noteOf(files, "a.md");
    const { tags } = await client.notes.update(id, { content: "revised" });
    expect((await runImport()).outcomes).toEqual({ "a.md": "unchanged" });
    expect((await client.notes.get(id)).content).toBe("revised");
    await client.notes.update(id, { tags: [...tags, "mine"] });
    await write("a.md", "# New A");
    expect((await runImport()).outcomes).toEqual({ "a.md": "updated" });
    expect((await client.notes.get(id)).tags).toContain("mine");
  });

  test("knows a file again from another folder, through a link and by itself", async () => {
    await write("sub/a.md", "# A");
    const linked = `${folder}-link`;
    await symlink(folder, linked);
    const { files } = await runImport();
    for (const dir of [`${folder}/sub`, linked, `${folder}/sub/../sub/a.md`]) {
      const again = await runImport(dir);
      expect(again.files.map(({ outcome, note_id }) => [outcome, note_id])).toEqual([["unchanged", files[0]?.note_id]]);
    }
    await rm(linked);
  });

  test("files of the same name in two folders are two notes", async () => {
    await write("x/README.md", "# X");
    await write("y/README.md", "# Y");
    await runImport(join(folder, "x"));
    expect((await runImport(join(folder, "y"))).files).toEqual([
      expect.objectContaining({ outcome: "created", path: "README.md" }),
    ]);
  });

  test("tells what could not be imported, does the rest, and ends with 1", async () => {
    await write("good.md", "# Good");
    await write("binary.md", new Uint8Array([35, 32, 0, 1]));
    await write("latin1.md", new Uint8Array([35, 32, 0xe9]));
    await write("huge.md", `# Huge\n${"x".repeat(2 * 1024 * 1024)}`);
    await write("enormous.md", "x".repeat(17 * 1024 * 1024));
    await write("secret.md", "# Secret");
    await chmod(join(folder, "secret.md"), 0);
    const { code, stderr, files, outcomes } = await runImport();
    expect(code).toBe(1);
    const isRoot = process.getuid?.() === 0;
    expect(outcomes).toEqual({
      "good.md": "created",
      "binary.md": "failed",
      "latin1.md": "failed",
      "huge.md": "failed",
      "enormous.md": "failed",
      "secret.md": isRoot ? "created" : "failed",
    });
    expect(files.find(({ path }) => path === "latin1.md")?.error).toBe("The file is not valid UTF-8.");
    expect(files.find(({ path }) => path === "huge.md")?.error).toContain("larger than");
    expect(jsonLines(stderr)).toEqual([{ error: expect.objectContaining({ code: "import_incomplete" }) }]);
  });

  test("says in words what it did, on stderr, and on stdout what is new", async () => {
    await write("a.md", "# A");
    await write("b.md", new Uint8Array([0]));
    const first = await runCli(["notes", "import", folder], { url: server.url });
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/^created\t\S+\ta\.md\n$/);
    expect(first.stderr).toBe(
      "b.md: The file is binary, not Markdown.\n2 files: 1 created, 0 updated, 0 unchanged, 1 failed.\nerror: 1 of 2 files could not be imported.\n",
    );
    await rm(join(folder, "b.md"));
    expect(await runCli(["notes", "import", folder], { url: server.url })).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "1 file: 0 created, 0 updated, 1 unchanged, 0 failed.\n",
    });
  });

  test("stops at once when the server is away", async () => {
    await write("a.md", "# A");
    const gone = await ServerProcess.start();
    await gone.stop();
    const result = await runCli(["notes", "import", folder, "--json"], { url: gone.url });
    expect(result).toMatchObject({ code: 5, stdout: "" });
    expect(jsonLines(result.stderr)).toHaveLength(1);
  });

  test("what people see of a note does not show how importing remembers it", async () => {
    await write("hidden.md", "---\ntags: seen\n---\n# Hidden marks");
    const { files } = await runImport();
    const id = String(files[0]?.note_id);
    expect((await runCli(["notes", "list", "--search", "Hidden marks"], { url: server.url })).stdout.split("\t")[2]).toBe("seen");
    expect((await runCli(["notes", "show", id], { url: server.url })).stdout).not.toContain("import");
  });
});
