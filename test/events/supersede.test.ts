import { expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredEvent } from "../../src/events/log.ts";
import { withoutSuperseded } from "../../src/events/supersede.ts";

const event = (seq: number, name: string, jobId: string | null): StoredEvent => ({
  seq,
  id: `${seq}-a`,
  name,
  at: 0,
  noteId: null,
  jobId,
  text: "{}",
});

test("of the progress of each job only the newest is left, and all else as it was", () => {
  const events = [
    event(1, "JobProgress", "a"),
    event(2, "JobProgress", "b"),
    event(3, "JobStarted", "a"),
    event(4, "JobProgress", "a"),
    event(5, "JobCompleted", "a"),
    event(6, "JobProgress", null),
    event(7, "JobProgress", null),
    event(8, "Progress", "a"),
  ];
  expect(withoutSuperseded(events).map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7, 8]);
});

test("the last value before the end is never lost", () => {
  const events = fc.array(
    fc.record({ name: fc.constantFrom("JobProgress", "JobCompleted", "JobStarted"), job: fc.constantFrom("a", "b", null) }),
  );
  fc.assert(
    fc.property(events, (list) => {
      const all = list.map(({ name, job }, index) => event(index, name, job));
      const left = withoutSuperseded(all);
      expect(left.filter(({ name }) => name !== "JobProgress")).toEqual(all.filter(({ name }) => name !== "JobProgress"));
      for (const job of ["a", "b"]) {
        const progress = (events: StoredEvent[]) => events.filter(({ name, jobId }) => name === "JobProgress" && jobId === job);
        expect(progress(left)).toEqual(progress(all).slice(-1));
      }
      expect(left).toEqual(all.filter((one) => left.includes(one)));
    }),
  );
});
