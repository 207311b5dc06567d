import { expect, test } from "bun:test";
import { OpenCalls } from "../../src/mcp/open-calls.ts";

const untilAborted = (signal: AbortSignal) =>
  new Promise<string>((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"));
  });

test("a call ends with the first of its signals", async () => {
  const calls = new OpenCalls(10);
  const [one, other] = [new AbortController(), new AbortController()];
  const running = calls.run([one.signal, undefined, other.signal], untilAborted);
  expect(calls.count).toBe(1);
  other.abort();
  expect(await running).toBe("aborted");
  expect(calls.count).toBe(0);
});

test("a call whose caller is gone already ends at once", async () => {
  expect(await new OpenCalls(1).run([AbortSignal.abort()], untilAborted)).toBe("aborted");
});

test("all calls can be ended together, and new ones begin after that", async () => {
  const calls = new OpenCalls(10);
  const running = [calls.run([], untilAborted), calls.run([], untilAborted)];
  calls.endAll();
  expect(await Promise.all(running)).toEqual(["aborted", "aborted"]);
  expect(await calls.run([], async ({ aborted }) => aborted)).toBe(false);
});

test("one too many is refused, and a place is free again after a failure", async () => {
  const calls = new OpenCalls(1);
  const end = Promise.withResolvers<never>();
  const running = calls.run([], () => end.promise);
  expect(calls.run([], untilAborted)).rejects.toMatchObject({ code: "overloaded", details: { retry_after_seconds: 5 } });
  end.reject(new Error("broken"));
  expect(running).rejects.toThrow("broken");
  await running.catch(() => {});
  expect(calls.count).toBe(0);
});
