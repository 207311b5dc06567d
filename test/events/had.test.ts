import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFilter } from "../../src/events/filter.ts";
import { Had } from "../../src/events/had.ts";
import type { StoredEvent } from "../../src/events/log.ts";

const thing = createFilter({ events: ["ThingHappened"] });
const event = (seq: number, name = "ThingHappened"): StoredEvent => ({
  seq,
  id: `${seq}-a`,
  name,
  at: 0,
  noteId: null,
  jobId: null,
  text: "{}",
});

describe("what a connection has had", () => {
  test("is what passed a filter within a stretch of the log", () => {
    const had = new Had();
    had.add(thing, 2, 5);
    expect([2, 3, 5, 6].map((seq) => had.holds(event(seq)))).toEqual([false, true, true, false]);
    expect(had.holds(event(3, "OtherHappened"))).toBe(false);
  });

  test("stays small however often a filter is added", () => {
    const had = new Had();
    for (let seq = 0; seq < 10_000; seq++) had.add(thing, 0, seq);
    expect(had.size).toBe(1);
  });

  test("is forgotten once reading has passed it", () => {
    const had = new Had();
    had.add(thing, 0, 5);
    had.passed(4);
    expect(had.size).toBe(1);
    had.passed(5);
    expect(had.size).toBe(0);
  });

  test("is the union of its stretches", () => {
    const stretch = fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 20 }));
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 8 }), (stretches) => {
        const had = new Had();
        for (const [from, until] of stretches) had.add(thing, from, until);
        for (let seq = 0; seq <= 21; seq++) {
          expect(had.holds(event(seq))).toBe(stretches.some(([from, until]) => from < seq && seq <= until));
        }
      }),
    );
  });
});
