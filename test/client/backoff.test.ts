import { describe, expect, test } from "bun:test";
import { Backoff } from "../../src/client/backoff.ts";

describe("the wait between attempts", () => {
  test("doubles its ceiling from 250 ms to 5 s", () => {
    const backoff = new Backoff(() => 1);
    expect(Array.from({ length: 7 }, () => backoff.nextMs())).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  });

  test("is spread over all of it", () => {
    const draws = [0, 0.5];
    const backoff = new Backoff(() => draws.shift() ?? 1);
    expect([backoff.nextMs(), backoff.nextMs(), backoff.nextMs()]).toEqual([0, 250, 1000]);
  });

  test("begins anew after a good connection", () => {
    const backoff = new Backoff(() => 1);
    backoff.nextMs();
    backoff.nextMs();
    backoff.reset();
    expect(backoff.nextMs()).toBe(250);
  });

  test("begins with what the server suggests, within reason", () => {
    const backoff = new Backoff(() => 1);
    backoff.suggest(2000);
    expect([backoff.nextMs(), backoff.nextMs()]).toEqual([2000, 4000]);
    backoff.suggest(9_999_999);
    expect([backoff.nextMs(), backoff.nextMs()]).toEqual([30_000, 30_000]);
  });

  test("stays finite for ever", () => {
    const backoff = new Backoff(() => 1);
    for (let i = 0; i < 5000; i++) backoff.nextMs();
    expect(backoff.nextMs()).toBe(5000);
  });
});
