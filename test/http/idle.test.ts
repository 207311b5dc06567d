import { expect, test } from "bun:test";
import { patiently } from "../../src/http/idle.ts";

test("what waits has no limit while it does, and its answer has the usual one, however it ends", async () => {
  const request = new Request("http://localhost/");
  const set: number[] = [];
  const server = { timeout: (_request: Request, seconds: number) => void set.push(seconds) };
  expect(await patiently(server, request, async () => [...set])).toEqual([0]);
  await expect(patiently(server, request, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(set).toEqual([0, 30, 0, 30]);
  expect(await patiently(null, request, async () => "done")).toBe("done");
});
