import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { ByteStream, dataOf } from "../support/byte-stream.ts";
import { runCli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { complaints, Publishing, wholeLog } from "../support/publishing.ts";
import { Receiver } from "../support/receiver.ts";
import { ServerProcess } from "../support/server-process.ts";
import { isWithoutDisks, SmallDisk } from "../support/small-disk.ts";

const megabyte = 1024 * 1024;

const isSkipped = isWithoutDisks();
let disk: SmallDisk | undefined;

beforeEach(() => {
  disk = isSkipped ? undefined : SmallDisk.mount(6);
});

afterEach(() => disk?.remove());

/** Where a file lies on the disk. */
function onDisk(name: string): string {
  if (!disk) throw new Error("there is no disk");
  return join(disk.path, name);
}

test.skipIf(isSkipped)(
  "a full disk: a clear answer, no crash, nothing lost that was acknowledged; and it goes on when there is room",
  async () => {
    writeFileSync(onDisk("ballast"), new Uint8Array(3 * megabyte));
    const server = await ServerProcess.start({}, onDisk("data"));
    try {
      const stream = await ByteStream.open(`${server.url}/api/v1/events`);
      const publishing = new Publishing("x".repeat(8000));
      publishing.start(server.url, 4);
      while ((publishing.refused.get(503) ?? 0) < 20) await Bun.sleep(1);
      await publishing.stop();
      const acknowledged = publishing.acknowledged.size;
      expect(acknowledged).toBeGreaterThan(50);
      expect([...publishing.refused.keys()]).toEqual([503]);

      expect(publishing.lastRefusal).toMatchObject({
        status: 503,
        code: "storage_full",
        detail: "The change could not be stored: the disk is full.",
      });

      // Reading goes on, and whoever listened saw just what was acknowledged.
      expect(complaints(publishing.acknowledged, await wholeLog(server.url))).toEqual([]);
      const [, ...seen] = await stream.frames(1 + acknowledged);
      expect(seen.map((frame) => dataOf(frame).id)).toEqual(
        [...publishing.acknowledged.values()].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
      );

      // Killed while it is full, it starts again.
      await server.kill();
      await server.restart();
      expect(complaints(publishing.acknowledged, await wholeLog(server.url))).toEqual([]);

      rmSync(onDisk("ballast"));
      expect(await publishing.once(server.url)).toBe(201);
      expect(complaints(publishing.acknowledged, await wholeLog(server.url))).toEqual([]);
      expect(await server.terminate()).toBe(0);
    } finally {
      await server.kill();
    }
  },
  30_000,
);

test.skipIf(isSkipped)(
  "when there is room again, streams, webhooks and jobs go on by themselves",
  async () => {
    writeFileSync(onDisk("ballast"), new Uint8Array(3.5 * megabyte));
    const receiver = new Receiver();
    const server = await ServerProcess.start(
      { MATRIC_WEBHOOK_ALLOW: "127.0.0.1", MATRIC_JOB_LEASE_SECONDS: "2" },
      onDisk("data"),
    );
    try {
      const client = createClient({ url: server.url });
      const { id } = await client.notes.create({ title: "Sea", content: "* deep" });
      const hook = await client.webhooks.create({ url: receiver.url, events: ["ThingHappened", "Job*"] });
      const stream = await ByteStream.open(`${server.url}/api/v1/events?events=ThingHappened,Job*`);
      await stream.frame();
      const publishing = new Publishing("x".repeat(8000));
      // Jobs begin until nothing more can be stored, whatever each of them is at then.
      publishing.start(server.url, 4);
      const jobs: string[] = [];
      while ((publishing.refused.get(503) ?? 0) < 20) {
        await client.notes.revise(id, {}).then(
          (job) => jobs.push(job.id),
          () => {},
        );
      }
      await publishing.stop();
      expect(jobs.length).toBeGreaterThan(0);
      rmSync(onDisk("ballast"));

      const ended = async () =>
        (await Promise.all(jobs.map((job) => client.jobs.get(job)))).every(({ status }) => status === "completed");
      // Where even the end could not be stored, the lease runs out first.
      await eventually(ended, 60_000);
      await eventually(async () => (({ pending, lag }) => pending + lag === 0)(await client.webhooks.get(hook.id)), 60_000);
      const { items } = await client.events.list({ filter: { events: ["ThingHappened", "Job*"] }, limit: 500 });
      const told: unknown[] = [];
      while (told.length < items.length) {
        const frame = await stream.frame();
        if (/^event: (ThingHappened|Job)/.test(frame)) told.push(dataOf(frame).id);
      }
      expect(told).toEqual(items.map((event) => event.id));
      const sent = new Set(receiver.requests.map(({ body }) => JSON.parse(body).id));
      expect(items.filter((event) => !sent.has(event.id))).toEqual([]);
      expect([...publishing.acknowledged.values()].filter((event) => !sent.has(event))).toEqual([]);
      stream.close();
    } finally {
      await server.kill();
      await receiver.stop();
    }
  },
  120_000,
);

test.skipIf(isSkipped)("a disk that is full from the start: one clear line", async () => {
  writeFileSync(onDisk("ballast"), new Uint8Array(6 * megabyte - 100_000));
  const { code, stdout, stderr } = await runCli(["serve", "--port", "0", "--data-dir", onDisk("data")]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain("the disk is full");
});

test.skipIf(isSkipped)(
  "a disk on which not a byte is left when the server is started again: one clear line, and nothing is lost",
  async () => {
    const server = await ServerProcess.start({}, onDisk("data"));
    const publishing = new Publishing();
    expect(await publishing.once(server.url)).toBe(201);
    expect(await server.terminate()).toBe(0);
    fill(onDisk("ballast"));
    const { code, stdout, stderr } = await runCli(["serve", "--port", "0", "--data-dir", onDisk("data")]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("the disk is full");
    rmSync(onDisk("ballast"));
    await server.restart();
    expect(complaints(publishing.acknowledged, await wholeLog(server.url))).toEqual([]);
    await server.kill();
  },
);

/** To the last byte. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (;;) writeSync(file, new Uint8Array(4096));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(file);
  }
}
