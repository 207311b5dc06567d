import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { catalog, type Envelope } from "../../src/events/catalog.ts";
import { buildBinary } from "../support/binary.ts";
import { BinaryServer } from "../support/binary-server.ts";
import { checkEvent } from "../support/event-schema.ts";
import { type Watcher, watchEventSource, watchTail, watchWebSocket } from "./watchers.ts";

const notesMin = 200;
const notesMax = 220;
const binary = buildBinary();
const dataDir = join(binary.folder, "data");
const documents = join(binary.folder, "documents");
const server = new BinaryServer(binary.path, dataDir, { MATRIC_JOB_CONCURRENCY: "4" });

beforeAll(() => {
  mkdirSync(dataDir);
  mkdirSync(documents);
  const root = join(import.meta.dir, "../../node_modules");
  const found = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.md$/i.test(file))
    .filter((file) => {
      const { size } = statSync(join(root, file));
      return size > 200 && size < 40_000;
    })
    .sort();
  for (const [index, file] of found.slice(0, notesMax).entries()) copyFileSync(join(root, file), join(documents, `${index}.md`));
});

afterAll(async () => {
  await server.stop();
  binary.remove();
});

test("a few hundred documents are revised while three watch, and two crashes lose nothing", async () => {
  await server.start();
  const client = createClient({ url: server.url });
  const watchers = [
    watchWebSocket(server.url),
    watchEventSource(server.url, Object.keys(catalog)),
    watchTail(binary.path, server.url),
  ];
  const imported = Bun.spawnSync([binary.path, "notes", "import", documents, "--url", server.url], { env: {}, stderr: "pipe" });
  expect(imported.stderr.toString()).not.toContain("error");
  expect(imported.exitCode).toBe(0);

  const ids = (await history(client)).flatMap(({ event, data }) => (event === "NoteCreated" ? [String(data.note_id)] : []));
  expect(ids.length).toBeGreaterThanOrEqual(notesMin);
  for (const [index, id] of ids.entries()) {
    await persistently(() => client.notes.revise(id));
    if (index === Math.floor(ids.length / 3) || index === Math.floor((2 * ids.length) / 3)) {
      await server.kill();
      await server.start();
    }
  }
  const all = await untilDone(client, ids);
  await Promise.all(watchers.map((watcher) => caughtUp(watcher, all.at(-1)?.id)));
  await Promise.all(watchers.map((watcher) => watcher.stop()));

  for (const { name, seen } of watchers) {
    expect({ name, ids: seen.map(({ id }) => id) }).toEqual({ name, ids: all.map(({ id }) => id) });
    expect(seen).toEqual(all);
  }
  for (const event of all) expect(checkEvent(event)).toEqual([]);
  for (const job of Map.groupBy(about("Job", all), ({ data }) => data.job_id).values()) expectWholeLife(job);

  const updates = Map.groupBy(
    all.filter(({ event }) => event === "NoteUpdated"),
    ({ data }) => data.note_id,
  );
  for (const id of ids) {
    const { version } = await client.notes.get(id);
    expect({ id, updates: updates.get(id)?.length ?? 0 }).toEqual({ id, updates: version - 1 });
    expect(version).toBeLessThanOrEqual(2);
  }
  expect(updates.size).toBeGreaterThan(ids.length / 2);
}, 120_000);

type Client = ReturnType<typeof createClient>;

function about(family: string, events: readonly Envelope[]): Envelope[] {
  return events.filter(({ event }) => event.startsWith(family));
}

/** queued → started → progress → completed; where a crash came between, the job was taken up again. */
function expectWholeLife(events: readonly Envelope[]): void {
  const names = events.map(({ event }) => event);
  expect(names[0]).toBe("JobQueued");
  expect(names.at(-1)).toBe("JobCompleted");
  const between = names.slice(1, -1).join(" ");
  expect(between).toMatch(/^JobStarted( JobProgress| JobRetrying JobStarted| JobStarted)*$/);
  expect(between).toContain("JobProgress");
}

/** The server may be down just now: ask until it answers. */
async function persistently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === 50) throw error;
      await Bun.sleep(100);
    }
  }
}

async function history(client: Client): Promise<Envelope[]> {
  const events: Envelope[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.events.list(cursor === undefined ? { limit: 500 } : { limit: 500, cursor });
    events.push(...page.items);
    if (page.next_cursor === null) return events;
    cursor = page.next_cursor;
  }
}

/** Waits for the last job's end; returns the whole log. */
async function untilDone(client: Client, ids: readonly string[]): Promise<Envelope[]> {
  for (;;) {
    const { queue_depth } = await persistently(() => client.queue.status());
    if (queue_depth === 0) break;
    await Bun.sleep(50);
  }
  const all = await history(client);
  expect(new Set(about("JobCompleted", all).map(({ data }) => data.note_id)).size).toBe(ids.length);
  return all;
}

async function caughtUp({ name, seen }: Watcher, lastId: string | undefined): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (seen.at(-1)?.id !== lastId) {
    if (performance.now() > deadlineMs) throw new Error(`${name} stopped at ${seen.at(-1)?.id} of ${lastId}`);
    await Bun.sleep(20);
  }
}
