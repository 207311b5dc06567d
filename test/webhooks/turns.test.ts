import { expect, test } from "bun:test";
import { Turns } from "../../src/webhooks/turns.ts";
import { settle } from "../support/manual-clock.ts";

const done: string[] = [];
/** A task that takes a while. */
const long = (name: string) => () => {
  done.push(name);
  const endMs = performance.now() + 6;
  while (performance.now() < endMs);
};

test("what takes long is spread over turns, in order, and what may come last does so", async () => {
  const turns = new Turns();
  turns.run(long("one"));
  turns.run(long("last"), { mayBeLast: true });
  turns.run(long("two"));
  turns.run(long("three"));
  expect(done).toEqual(["one"]);
  // Somebody else's turn comes in between.
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(done.splice(0)).toEqual(["one", "two"]);
  await settle();
  expect(done.splice(0)).toEqual(["three", "last"]);
  turns.run(long("at once"));
  turns.run(long("never"));
  turns.stop();
  await settle();
  expect(done).toEqual(["at once"]);
});
