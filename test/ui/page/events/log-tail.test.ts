import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LogTail } from "../../../../src/ui/page/events/log-tail.ts";

const event = (id: string) => ({ id, name: "Something", text: `{"id":"${id}"}` });
const ids = (tail: LogTail) => tail.newestFirst().map(({ id }) => id);

describe("the log's tail", () => {
  test("has every event once and in order, however often and in whatever order it comes", () => {
    const comings = fc
      .integer({ min: 1, max: 40 })
      .chain((events) => fc.array(fc.integer({ min: 1, max: events }), { minLength: 1, maxLength: 120 }));
    fc.assert(
      fc.property(comings, (seqs) => {
        const tail = new LogTail(1000);
        for (const seq of seqs) tail.add(event(`${seq}-life`));
        const once = [...new Set(seqs)].sort((a, b) => b - a);
        expect(ids(tail)).toEqual(once.map((seq) => `${seq}-life`));
      }),
    );
  });

  test("says whether an event was new", () => {
    const tail = new LogTail(10);
    expect(tail.add(event("9-life"))).toBe(true);
    expect(tail.add(event("9-life"))).toBe(false);
    expect(tail.add(event("no id"))).toBe(false);
  });

  test("keeps the lives of the log apart, the newer one above the older one", () => {
    const tail = new LogTail(10);
    for (const id of ["7-old", "9-old", "1-new", "8-old", "2-new"]) tail.add(event(id));
    expect(ids(tail)).toEqual(["2-new", "1-new", "9-old", "8-old", "7-old"]);
  });

  test("forgets the oldest", () => {
    const tail = new LogTail(10);
    for (let seq = 1; seq <= 100; seq++) tail.add(event(`${seq}-life`));
    const kept = ids(tail);
    expect(kept[0]).toBe("100-life");
    expect(kept.length).toBeGreaterThanOrEqual(10);
    expect(kept.length).toBeLessThanOrEqual(12);
  });
});
