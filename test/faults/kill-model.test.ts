import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { listUpTo } from "../../src/client/paging.ts";
import { catalog, type Envelope } from "../../src/events/catalog.ts";
import { type Watcher, watchEventSource, watchWebSocket } from "../e2e/watchers.ts";
import { buildBinary } from "../support/binary.ts";
import { BinaryServer } from "../support/binary-server.ts";
import { eventually } from "../support/eventually.ts";
import { MixedLoad } from "../support/mixed-load.ts";
import { Receiver } from "../support/receiver.ts";

/** 200 and more where there is time. */
const kills = Number(process.env.MATRIC_TEST_KILLS ?? 6);
const catchUpMs = 60_000 + kills * 1000;

let binary: ReturnType<typeof buildBinary>;
let server: BinaryServer;
let receiver: Receiver;
let dataDir: string;

beforeAll(async () => {
  binary = buildBinary();
  dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  receiver = new Receiver();
  server = new BinaryServer(binary.path, dataDir, {
    MATRIC_WEBHOOK_ALLOW: "127.0.0.1",
    MATRIC_JOB_TYPES: "resize",
    MATRIC_JOB_LEASE_SECONDS: "1",
    MATRIC_JOB_ATTEMPTS: "20",
  });
}, 120_000);

afterAll(async () => {
  await server.kill();
  await receiver.stop();
  binary.remove();
  rmSync(dataDir, { recursive: true });
});

/** Of a copy: the server is to mend the files itself. */
function integrityOf(folder: string): unknown {
  const copy = mkdtempSync(join(tmpdir(), "matric-test-"));
  try {
    cpSync(folder, copy, { recursive: true });
    const database = new Database(join(copy, "matric.db"));
    const result = database.query("PRAGMA integrity_check").values();
    database.close();
    return result;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

async function wholeLog(): Promise<Envelope[]> {
  const client = createClient({ url: server.url });
  const log: Envelope[] = [];
  for await (const event of listUpTo(Number.POSITIVE_INFINITY, (page) => client.events.list({ ...page, after: "earliest" })))
    log.push(event);
  return log;
}

/** Where one who follows and the log part, as far as that has been read: there can be more by now. */
function firstDifference(followed: readonly string[], log: readonly string[]): string | undefined {
  const index = log.findIndex((one, at) => followed[at] !== one);
  return index < 0 ? undefined : `at ${index}: ${followed[index]} in place of ${log[index]}`;
}

const idsOf = (events: readonly Envelope[]) => events.map(({ id }) => String(id));

test(
  "a server that is killed again and again under every kind of load loses nothing, does nothing twice, and keeps the order",
  async () => {
    await server.start();
    const client = createClient({ url: server.url });
    const { id: hook } = await client.webhooks.create({ url: `${receiver.url}/hook`, events: ["*"], ordered: true });
    const names = [...Object.keys(catalog), "ThingHappened"];
    const watchers: Watcher[] = [watchWebSocket(server.url), watchEventSource(server.url, names)];
    const load = new MixedLoad();
    for (let kill = 0; kill < kills; kill++) {
      load.start(server.url);
      const before = load.acknowledged;
      await eventually(() => load.acknowledged >= before + 20, 30_000);
      // At any moment: within a write, a sync, a delivery, a handshake.
      await Bun.sleep(Math.random() * 700);
      await server.kill();
      await load.stop();
      expect(integrityOf(dataDir)).toEqual([["ok"]]);
      await server.start();
    }
    await eventually(async () => {
      const { pending, lag, status } = await client.webhooks.get(hook);
      return status === "active" && pending === 0 && lag === 0;
    }, catchUpMs);
    const log = await wholeLog();
    for (const { name, seen } of watchers) {
      await eventually(() => seen.length >= log.length, catchUpMs);
      expect([name, firstDifference(idsOf(seen), idsOf(log))]).toEqual([name, undefined]);
      await watchers.find((one) => one.name === name)?.stop();
    }
    expect(await load.complaints(server.url, log)).toEqual([]);
    // At least once, and in order: what comes again is a repeat.
    const arrived = [...new Set(receiver.requests.map(({ body }) => body))];
    expect(
      firstDifference(
        arrived,
        log.map((event) => JSON.stringify(event)),
      ),
    ).toBeUndefined();
    expect(load.acknowledged).toBeGreaterThan(kills * 20);
    expect(integrityOf(dataDir)).toEqual([["ok"]]);
    if (process.env.MATRIC_TEST_KILLS !== undefined) {
      process.stdout.write(
        `${kills} kills: ${load.acknowledged} acknowledged changes, ${log.length} events, ${receiver.requests.length} requests to the webhook\n`,
      );
    }
  },
  120_000 + kills * 10_000,
);
