import { describe, expect, test } from "bun:test";
import { fromDotted, isEventName, nearestBuiltIn } from "../../src/events/names.ts";

describe("the name of an event", () => {
  test.each(["A", "ThingHappened", "Http2Done", `A${"b".repeat(63)}`])("may be %s", (name) => {
    expect(isEventName(name)).toBe(true);
  });

  test.each([
    "",
    "thing",
    "thingHappened",
    "Thing Happened",
    "Thing.Happened",
    "Thing\n",
    "Thing\0",
    "\nThing",
    "Ünder",
    "Thing*",
    `A${"b".repeat(64)}`,
  ])("cannot be %j", (name) => {
    expect(isEventName(name)).toBe(false);
  });
});

describe("a name that is nearly a built-in one", () => {
  test.each([
    ["NoteUpdatd", "NoteUpdated"],
    ["NoteUpdatedd", "NoteUpdated"],
    ["Noteupdated", "NoteUpdated"],
    ["NotesUpdated", "NoteUpdated"],
    ["JobComplete", "JobCompleted"],
    ["JobCancled", "JobCancelled"],
    ["JobCanceled", "JobCancelled"],
    ["JobQued", "JobQueued"],
    ["QueuePause", "QueuePaused"],
    ["StreamGapp", "StreamGap"],
  ])("%s is told apart from %s", (name, nearest) => {
    expect(nearestBuiltIn(name)).toBe(nearest);
  });

  test.each(["DeployDone", "NoteShared", "Job", "JobSkippedForever", "Thing"])("%s is far enough away", (name) => {
    expect(nearestBuiltIn(name)).toBeUndefined();
  });
});

test("the dotted spelling is the same name", () => {
  expect(["job.completed", "job_completed", "note.revision.created", "job.*", "thing"].map(fromDotted)).toEqual([
    "JobCompleted",
    "JobCompleted",
    "NoteRevisionCreated",
    "Job*",
    "Thing",
  ]);
  expect(["JobCompleted", "Job.Completed", "", "*", "job completed", "job.Completed"].map(fromDotted)).toEqual([
    "JobCompleted",
    "Job.Completed",
    "",
    "*",
    "job completed",
    "job.Completed",
  ]);
});
