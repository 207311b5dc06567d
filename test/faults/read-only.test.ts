import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { openDb } from "../../src/db/open.ts";
import { runCli } from "../support/cli.ts";
import { isWithoutDisks, SmallDisk } from "../support/small-disk.ts";

// For root nothing is read-only but a disk that is.
const isSkipped = isWithoutDisks();
let disk: SmallDisk | undefined;

beforeEach(() => {
  disk = isSkipped ? undefined : SmallDisk.mount(8);
});

afterEach(() => disk?.remove());

/** Where the data lie, on a disk that can be read only. */
function readOnly({ withData }: { withData: boolean }): string {
  if (!disk) throw new Error("there is no disk");
  const dataDir = join(disk.path, "data");
  if (withData) openDb(dataDir, "full").close();
  disk.makeReadOnly();
  return dataDir;
}

test.skipIf(isSkipped)("data that can only be read end the start with one clear line", async () => {
  const dataDir = readOnly({ withData: true });
  const { code, stdout, stderr } = await runCli(["serve", "--port", "0", "--data-dir", dataDir]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain(dataDir);
  expect(stderr).toMatch(/read-only|writable/);
});

test.skipIf(isSkipped)("a directory that cannot be made does so as well", async () => {
  const dataDir = readOnly({ withData: false });
  const { code, stderr } = await runCli(["serve", "--port", "0", "--data-dir", dataDir]);
  expect(code).toBe(1);
  expect(stderr).toContain(`The data directory ${dataDir} cannot be created`);
});
