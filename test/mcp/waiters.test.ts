import { expect, test } from "bun:test";
import { Waiters } from "../../src/mcp/waiters.ts";

const untilAborted = (signal: AbortSignal) =>
  new Promise<string>((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"));
  });

test("a call ends with the first of its signals", async () => {
  const waiters = new Waiters(10);
  const [one, other] = [new AbortController(), new AbortController()];
  const running = waiters.run([one.signal, undefined, other.signal], untilAborted);
  expect(waiters.count).toBe(1);
  other.abort();
  expect(await running).toBe("aborted");
  expect(waiters.count).toBe(0);
});

test("a call whose caller is gone already ends at once", async () => {
  expect(await new Waiters(1).run([AbortSignal.abort()], untilAborted)).toBe("aborted");
});

test("all waiters can be ended together, and new ones begin after that", async () => {
  const waiters = new Waiters(10);
  const running = [waiters.run([], untilAborted), waiters.run([], untilAborted)];
  waiters.endAll();
  expect(await Promise.all(running)).toEqual(["aborted", "aborted"]);
  expect(await waiters.run([], async ({ aborted }) => aborted)).toBe(false);
});

test("one too many is refused, and a place is free again after a failure", async () => {
  const reached: string[] = [];
  const waiters = new Waiters(1, (name) => reached.push(name));
  const end = Promise.withResolvers<never>();
  const running = waiters.run([], () => end.promise);
  expect(waiters.run([], untilAborted)).rejects.toMatchObject({ code: "overloaded", details: { retry_after_seconds: 5 } });
  expect(reached).toEqual(["mcp_waiters"]);
  end.reject(new Error("broken"));
  expect(running).rejects.toThrow("broken");
  await running.catch(() => {});
  expect(waiters.count).toBe(0);
});
