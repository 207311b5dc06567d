import { expect, test } from "bun:test";
import fc from "fast-check";
import { createFilter, type Matchable, matches } from "../../src/events/filter.ts";
import { FilterIndex } from "../../src/events/filter-index.ts";
import { Group, groupKey } from "../../src/events/group.ts";

const filter = fc
  .record({
    events: fc.subarray(["JobFailed", "Job*", "J*", "NoteUpdated", "ThingHappened", "Th*"], { maxLength: 2 }),
    topics: fc.subarray(["jobs", "note:a", "custom"], { maxLength: 2 }),
    noteIds: fc.subarray(["a", "b"]),
    jobIds: fc.subarray(["a", "b"], { maxLength: 1 }),
  })
  .map(createFilter);
const event: fc.Arbitrary<Matchable> = fc.record({
  name: fc.constantFrom("JobFailed", "NoteUpdated", "ThingHappened", "T"),
  noteId: fc.constantFrom(null, "a", "b"),
  jobId: fc.constantFrom(null, "a", "b"),
});

test("finds every group that wants an event, also after others have come and gone", () => {
  const groups = fc.array(fc.record({ filters: fc.array(filter, { maxLength: 3 }), goes: fc.boolean() }), { maxLength: 12 });
  fc.assert(
    fc.property(groups, fc.array(event, { maxLength: 5 }), (list, events) => {
      const index = new FilterIndex();
      const all = list.map(({ filters, goes }) => ({ group: new Group(groupKey(filters), filters), goes }));
      for (const { group } of all) index.add(group);
      for (const { group, goes } of all) if (goes) index.remove(group);
      for (const one of events) {
        const found = new Set<unknown>();
        index.visit(one, (group) => found.add(group));
        for (const { group, goes } of all) {
          const isWanted = group.filters.some((filter) => matches(filter, one));
          if (goes) expect(found.has(group)).toBe(false);
          else if (isWanted) expect(found.has(group)).toBe(true);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("does not ask filters that cannot want it", () => {
  const index = new FilterIndex();
  for (let n = 0; n < 1000; n++) {
    for (const filter of [
      createFilter({ noteIds: [`n${n}`] }),
      createFilter({ events: [`Custom${n}Happened`] }),
      createFilter({ topics: [`job:j${n}`], events: ["Job*"] }),
    ]) {
      index.add(new Group(groupKey([filter]), [filter]));
    }
  }
  let asked = 0;
  index.visit({ name: "JobFailed", noteId: "n1", jobId: "j1" }, () => asked++);
  expect(asked).toBe(2);
});

test("subscribers that want the same make one group, whatever the order", () => {
  const [a, b] = [createFilter({ topics: ["jobs"] }), createFilter({ noteIds: ["n"] })];
  expect(groupKey([a, b])).toBe(groupKey([b, a]));
  expect(groupKey([a])).not.toBe(groupKey([a, b]));
  expect(groupKey([createFilter({ noteIds: ['n"],[],[]] [[],[]'] })])).not.toBe(groupKey([createFilter({}), createFilter({})]));
});
