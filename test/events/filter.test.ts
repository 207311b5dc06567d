import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MatricError } from "../../src/errors.ts";
import {
  createFilter,
  eventKeys,
  everything,
  type FilterInput,
  filterKey,
  indexKeys,
  type Matchable,
  matches,
} from "../../src/events/filter.ts";
import { builtInNames } from "../../src/events/names.ts";
import { topicsOf } from "../../src/events/topics.ts";

const event = (name: string, noteId: string | null = null, jobId: string | null = null): Matchable => ({ name, noteId, jobId });

function refusal(input: FilterInput): MatricError {
  try {
    createFilter(input);
  } catch (error) {
    if (error instanceof MatricError) return error;
  }
  throw new Error(`${JSON.stringify(input)} was taken`);
}

describe("a filter", () => {
  test("that asks for nothing in particular takes everything", () => {
    for (const input of [
      {},
      { events: [] },
      { events: ["*"] },
      { events: ["NoteUpdated", "*"] },
      { topics: [""], noteIds: ["  "] },
    ]) {
      expect(createFilter(input)).toEqual(everything);
    }
    expect(matches(everything, event("ThingHappened"))).toBe(true);
  });

  test("takes any of the values of one list", () => {
    const filter = createFilter({ events: ["NoteUpdated", "Job*"] });
    expect(["NoteUpdated", "JobFailed", "JobberCame", "NoteCreated", "Job"].map((name) => matches(filter, event(name)))).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
  });

  test("takes only what all of its lists take", () => {
    const filter = createFilter({ events: ["Job*"], topics: ["jobs"], noteIds: ["n"], jobIds: ["j", "k"] });
    expect(matches(filter, event("JobFailed", "n", "k"))).toBe(true);
    expect(matches(filter, event("JobFailed", "n", "x"))).toBe(false);
    expect(matches(filter, event("JobFailed", null, "j"))).toBe(false);
    expect(matches(filter, event("NoteUpdated", "n", "j"))).toBe(false);
    expect(matches(filter, event("JobDreamt", "n", "j"))).toBe(false);
  });

  test("names what it takes in the order in which it was written, each once", () => {
    const filter = createFilter({ events: ["NoteUpdated", "job.failed", "Deploy", "NoteUpdated"], topics: ["notes", "jobs"] });
    expect(filter).toMatchObject({ events: ["NoteUpdated", "JobFailed", "Deploy"], topics: ["notes", "jobs"] });
  });

  test("is equal however it was spelled", () => {
    const keys = [
      { events: ["JobCompleted", "NoteUpdated"], topics: ["notes", "jobs"] },
      { events: ["note.updated", "job_completed", "JobCompleted"], topics: ["jobs", " notes ", "jobs"] },
    ].map((input) => filterKey(createFilter(input)));
    expect(keys[0]).toBe(keys[1] ?? "");
    expect(filterKey(createFilter({ noteIds: ["a"] }))).not.toBe(filterKey(createFilter({ jobIds: ["a"] })));
    expect(filterKey(createFilter({ noteIds: ["a,b"] }))).not.toBe(filterKey(createFilter({ noteIds: ["a", "b"] })));
  });
});

describe("a mistake in a filter", () => {
  test("names the nearest name", () => {
    expect(refusal({ events: ["NoteUpdatd"] })).toMatchObject({
      code: "invalid",
      details: { field: "events" },
      message: expect.stringContaining("NoteUpdated"),
    });
    expect(refusal({ events: ["job.complete"] }).message).toContain("JobCompleted");
    expect(refusal({ events: ["jobcompleted"] }).message).toContain("JobCompleted");
    expect(refusal({ events: ["jobCompleted"] }).message).toContain("JobCompleted");
    expect(refusal({ events: ["Job-Completed"] }).message).toContain("JobCompleted");
    expect(refusal({ events: ["JobCompleted!"] }).message).toContain("JobCompleted");
  });

  test.each(["*Completed", "J*b", "Job**", "**", "job completed", "a\nb", "x".repeat(65), "Job\0", "é"])(
    "%j is not the name of an event",
    (name) => {
      expect(refusal({ events: [name] }).code).toBe("invalid");
    },
  );

  test("names the field", () => {
    expect(refusal({ topics: ["nots"] }).details.field).toBe("topics");
    expect(refusal({ noteIds: Array.from({ length: 257 }, (_, n) => `n${n}`) }).details.field).toBe("note_id");
    expect(refusal({ jobIds: ["x".repeat(81)] }).details.field).toBe("job_id");
    expect(refusal({ events: ["x".repeat(1_000_000)] }).message.length).toBeLessThan(300);
    expect(refusal({ topics: ["x".repeat(1_000_000)] }).message.length).toBeLessThan(300);
  });

  test("is none: a built-in name, each of them, in both spellings", () => {
    for (const name of builtInNames) {
      const dotted = name.replace(/(?<!^)[A-Z]/g, (letter) => `.${letter}`).toLowerCase();
      expect(createFilter({ events: [name, dotted] }).events).toEqual([name]);
    }
  });

  test("is none: a name of a custom event that nobody has published yet", () => {
    expect(createFilter({ events: ["DeployDone"] }).events).toEqual(["DeployDone"]);
  });
});

const ids = ["a", "b", "x y"];
const names = [...builtInNames, "ThingHappened", "JobberCame"];
const some = (values: readonly string[]) => fc.subarray([...values], { maxLength: 3 });
const filters = fc.record({
  events: some([...names, "Job*", "J*", "Note*", "JobC*", "Thing*"]),
  topics: some(["notes", "jobs", "queue", "custom", "note:a", "job:b", "note:b"]),
  noteIds: some(ids),
  jobIds: some(ids),
});
const events = fc.record({
  name: fc.constantFrom(...names),
  noteId: fc.constantFrom(null, ...ids),
  jobId: fc.constantFrom(null, ...ids),
});

test("a filter matches exactly what its four lists say", () => {
  fc.assert(
    fc.property(filters, events, (input, one) => {
      const filter = createFilter(input);
      const wanted =
        (input.noteIds.length === 0 || input.noteIds.some((id) => id === one.noteId)) &&
        (input.jobIds.length === 0 || input.jobIds.some((id) => id === one.jobId)) &&
        (input.topics.length === 0 || input.topics.some((topic) => topicsOf(one).includes(topic))) &&
        (input.events.length === 0 ||
          input.events.some((name) => (name.endsWith("*") ? one.name.startsWith(name.slice(0, -1)) : name === one.name)));
      expect(matches(filter, one)).toBe(wanted);
    }),
    { numRuns: 3000 },
  );
});

test("every filter that matches an event stands in the index under one of the event's keys", () => {
  fc.assert(
    fc.property(filters, events, (input, one) => {
      const filter = createFilter(input);
      if (!matches(filter, one)) return;
      const keys = indexKeys(filter);
      const lengths = keys.filter((key) => key.startsWith("prefix ")).map((key) => key.length - "prefix ".length);
      expect(eventKeys(one, lengths).some((key) => keys.includes(key))).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
