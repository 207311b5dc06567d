import { expect, test } from "bun:test";
import { Holds } from "../../src/auth/holds.ts";
import { anybody, createPrincipal } from "../../src/auth/principal.ts";
import { Tickets } from "../../src/auth/tickets.ts";
import { ManualClock } from "../support/manual-clock.ts";

function holdsOf(clock: ManualClock) {
  const revoked = new Set<string>();
  const holds = new Holds(clock, (id) => revoked.has(id));
  const said: string[] = [];
  const add = (id: string, expiresAtMs: number | null) =>
    holds.add({
      principal: createPrincipal(id, ["events:read"], expiresAtMs),
      end: (reason) => said.push(`${id} ${reason}`),
      warn: () => said.push(`${id} warned`),
    });
  return { holds, revoked, said, add };
}

test("what is open in the name of a token ends once, with the token", () => {
  const { holds, said, add } = holdsOf(new ManualClock());
  add("a", null);
  add("a", null);
  const release = add("a", null);
  add("b", null);
  release();
  release();
  holds.end("a", "revoked");
  holds.end("a", "revoked");
  expect(said).toEqual(["a revoked", "a revoked"]);
  expect(holds.count).toBe(1);
});

test("what comes to be open only after the token was revoked ends at once, unless it was let go of", async () => {
  const { holds, revoked, said, add } = holdsOf(new ManualClock());
  revoked.add("a");
  add("a", null);
  add("b", null);
  add("a", null)();
  expect(said).toEqual([]);
  await Promise.resolve();
  expect([said, holds.count]).toEqual([["a revoked"], 1]);
});

test("it is warned a minute before its end, and ends within half a second; a clock that jumps forward ends it at once", async () => {
  const clock = new ManualClock();
  const { said, add } = holdsOf(clock);
  add("soon", clock.now() + 90_000);
  add("late", clock.now() + 3_600_000);
  await clock.advance(29_000);
  expect(said).toEqual([]);
  await clock.advance(2000);
  expect(said).toEqual(["soon warned"]);
  await clock.advance(59_500);
  expect(said).toEqual(["soon warned", "soon expired"]);
  clock.jump(3_600_000);
  await clock.advance(500);
  expect(said.at(-1)).toBe("late expired");
  expect(clock.pending()).toBe(0);
});

test("nobody is held to anything where nobody signs in", () => {
  const clock = new ManualClock();
  const holds = new Holds(clock, () => false);
  holds.add({ principal: anybody, end() {} })();
  expect([holds.count, clock.pending()]).toEqual([0, 0]);
});

test("a ticket is good for 30 seconds and one use, and old ones make room", async () => {
  const clock = new ManualClock();
  const tickets = new Tickets(clock, 2);
  const first = tickets.issue(anybody);
  expect(first.expiresAtMs).toBe(clock.now() + 30_000);
  expect(tickets.take(first.ticket)).toBe(anybody);
  expect(() => tickets.take(first.ticket)).toThrow("used already");
  const late = tickets.issue(anybody);
  tickets.issue(anybody);
  expect(() => tickets.issue(anybody)).toThrow("2 tickets wait");
  await clock.advance(30_000);
  expect(() => tickets.take(late.ticket)).toThrow("older than 30 seconds");
  for (let count = 0; count < 2; count++) tickets.issue(anybody);
  expect(tickets.count).toBe(2);
});
