import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import journal from "../../drizzle/meta/_journal.json";
import { createClient } from "../../src/client/client.ts";
import { runCli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { startApp } from "../support/start-app.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "matric-upgrade-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What can be seen from outside of everything that is kept. */
async function everything(url: string) {
  const client = createClient({ url });
  const { items: notes } = await client.notes.list({ limit: 500 });
  return {
    notes,
    found: (await client.notes.list({ q: "deep" })).items,
    revisions: await Promise.all(notes.map(async ({ id }) => (await client.notes.revisions(id, {})).items)),
    jobs: (await client.jobs.list({})).items,
    webhooks: (await client.webhooks.list({})).items,
    events: (await client.events.list({ limit: 500 })).items,
  };
}

/** A data directory of this build with something of everything in it; resolves to what can be seen of it. */
async function fill(dataDir: string) {
  const receiver = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const app = await startApp({ dataDir, webhookAllow: ["127.0.0.1"], jobTypes: ["resize"] });
  try {
    const client = createClient({ url: app.url });
    const { id } = await client.notes.create({ title: "Sea", content: "* deep\n* blue", tags: ["water"] });
    await client.notes.create({ title: "Gone", content: "soon" }).then((note) => client.notes.remove(note.id, {}));
    await client.webhooks.create({ url: receiver.url.href, events: ["*"], description: "all" });
    const job = await client.notes.revise(id, {});
    await eventually(async () => (await client.jobs.get(job.id)).status === "completed");
    await client.jobs.create({ type: "resize", payload: { width: 3 } });
    await client.events.publish({ event: "ThingHappened", data: { n: 1 } });
    await eventually(async () => (await client.webhooks.list({})).items.every(({ pending, lag }) => pending + lag === 0));
    return await everything(app.url);
  } finally {
    await app.stop();
    await receiver.stop(true);
  }
}

/** The same rows as far as an older build knew them, in a database as that build made it: after its first `count` migrations. */
function olderThan(current: string, older: string, count: number): void {
  mkdirSync(older);
  const db = new Database(join(older, "matric.db"), { create: true });
  db.run("CREATE TABLE __drizzle_migrations (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, created_at NUMERIC)");
  for (const { tag, when } of journal.entries.slice(0, count)) {
    const text = readFileSync(join(import.meta.dir, `../../drizzle/${tag}.sql`), "utf8");
    for (const statement of text.split("--> statement-breakpoint")) db.run(statement);
    db.query("INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)").run(tag, when);
  }
  db.query("ATTACH ? AS current").run(join(current, "matric.db"));
  const columns = (schema: string, table: string) =>
    db.query<{ name: string }, [string, string]>("SELECT name FROM pragma_table_info(?, ?)").all(table, schema);
  const tables = db
    .query<{ name: string }, []>("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE '%search%'")
    .all()
    .filter(({ name }) => !/^(sqlite|__drizzle)_/.test(name));
  for (const { name } of tables) {
    const known = new Set(columns("main", name).map((column) => column.name));
    const shared = columns("current", name)
      .map((column) => column.name)
      .filter((column) => known.has(column));
    db.run(`DELETE FROM main.${name}`);
    db.run(`INSERT INTO main.${name} (${shared}) SELECT ${shared} FROM current.${name}`);
  }
  db.run("DETACH current");
  db.close();
}

// The first two came together; the third made the table of jobs anew.
const builds = journal.entries.map(({ tag }, index): [string, number] => [tag, index + 1]).slice(2);

test.each(builds)(
  "a database of the build whose newest migration is %s is brought up to date, and nothing is lost",
  async (_tag, count) => {
    const [current, older] = [join(folder, "current"), join(folder, "older")];
    const before = await fill(current);
    olderThan(current, older, count);
    const app = await startApp({ dataDir: older, webhookAllow: ["127.0.0.1"], jobTypes: ["resize"] });
    try {
      const after = await everything(app.url);
      const hadWebhooks = journal.entries.slice(0, count).some(({ tag }) => tag === "0003_webhooks");
      expect(after).toEqual(hadWebhooks ? before : { ...before, webhooks: [] });
      expect(after.found).toHaveLength(1);
      // And it is of use: whoever followed the former one goes on where it was.
      const client = createClient({ url: app.url });
      await client.notes.create({ title: "New", content: "" });
      const stream = await app.fetch(`/api/v1/events?transport=poll&since=${before.events.at(-1)?.id}`);
      expect(await stream.json()).toMatchObject({ items: [{ event: "NoteCreated" }], gap: null });
    } finally {
      await app.stop();
    }
  },
);

describe("a database of a newer build", () => {
  test("is refused by every command in one clear line, and left as it is", async () => {
    const dataDir = join(folder, "data");
    await fill(dataDir);
    const file = join(dataDir, "matric.db");
    const db = new Database(file);
    db.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('future', 9999999999999)");
    db.run("CREATE TABLE hopes (id INTEGER)");
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const before = await Bun.file(file).bytes();
    for (const args of [["serve", "--port", "0"], ["tokens", "create", "a", "--scopes", "admin"], ["mcp"]]) {
      const { code, stdout, stderr } = await runCli([...args, "--data-dir", dataDir]);
      expect({ args, code, stdout, stderr }).toEqual({
        args,
        code: 1,
        stdout: "",
        stderr:
          "error: The database was made by a newer matric. Install that version again, or restore a backup made with this one.\n",
      });
    }
    const { code, stderr } = await runCli(["restore", file, "--data-dir", join(folder, "other")]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("newer matric")]);
    expect(readdirSync(join(folder, "other")).filter((name) => name.startsWith("matric.db"))).toEqual([]);
    expect(Buffer.from(await Bun.file(file).bytes()).equals(before)).toBe(true);
  });
});
