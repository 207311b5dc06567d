import { afterEach, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, open, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSync } from "../../src/db/disk-sync.ts";

const folder = mkdtempSync(join(tmpdir(), "matric-test-"));
const path = join(folder, "file");
writeFileSync(path, "");
const pipe = join(folder, "pipe");
Bun.spawnSync(["mkfifo", pipe]);

const toClose: { close(): void }[] = [];
afterEach(() => {
  for (const one of toClose.splice(0)) one.close();
});

const fileSync = () => {
  const sync = new FileSync(path);
  toClose.push(sync);
  return sync;
};
const synced = (sync: FileSync) => new Promise<Error | null>((resolve) => sync.start(resolve));

test("a sync is heard of once", async () => {
  const sync = fileSync();
  let heard = 0;
  await new Promise<void>((resolve) => {
    sync.start((error) => {
      expect(error).toBeNull();
      heard++;
      resolve();
    });
  });
  await synced(sync);
  expect(heard).toBe(1);
});

test("a sync does not wait until threads are free that others keep busy", async () => {
  // Opening a pipe to read takes a thread until somebody opens it to write.
  const opened: Promise<number>[] = [];
  for (let n = 0; n < 64; n++) {
    opened.push(new Promise((resolve) => open(pipe, "r", (_error, fd) => resolve(fd))));
  }
  let isFree = false;
  const free = Promise.all(opened).then((fds) => {
    isFree = true;
    return fds;
  });
  const sync = fileSync();
  expect(await synced(sync)).toBeNull();
  expect(await synced(sync)).toBeNull();
  expect(isFree).toBe(false);

  const writer = openSync(pipe, constants.O_RDWR);
  for (const fd of await free) closeSync(fd);
  closeSync(writer);
  expect(await synced(sync)).toBeNull();
  rmSync(folder, { recursive: true });
});
