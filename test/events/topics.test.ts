import { describe, expect, test } from "bun:test";
import { builtInNames } from "../../src/events/names.ts";
import { isTopic, topicsOf } from "../../src/events/topics.ts";

const topics = (name: string, noteId: string | null = null, jobId: string | null = null) => topicsOf({ name, noteId, jobId });

describe("the topics of an event", () => {
  test("are those of the contract", () => {
    expect(topics("NoteCreated", "n")).toEqual(["notes", "note:n"]);
    expect(topics("NoteUpdated", "n", "j")).toEqual(["notes", "note:n"]);
    expect(topics("JobProgress", "n", "j")).toEqual(["jobs", "job:j", "note:n"]);
    expect(topics("JobCompleted", null, "j")).toEqual(["jobs", "job:j"]);
    expect(topics("QueuePaused")).toEqual(["queue"]);
    expect(topics("QueueStatus")).toEqual(["queue"]);
    expect(topics("WebhookFailed")).toEqual(["webhooks"]);
    expect(topics("StreamGap")).toEqual([]);
  });

  test("of any other one is custom, also where its data bears ids", () => {
    expect(topics("ThingHappened")).toEqual(["custom"]);
    expect(topics("ThingHappened", "n", "j")).toEqual(["custom"]);
    expect(topics("constructor")).toEqual(["custom"]);
  });

  test("can all be asked for", () => {
    for (const name of builtInNames) for (const topic of topics(name, "n", "j")) expect(isTopic(topic)).toBe(true);
  });
});

test.each([
  "",
  "note",
  "note:",
  "note:a b",
  "note:a\n",
  "Notes",
  "everything",
  `job:${"a".repeat(65)}`,
  "webhook:1",
  "notes,jobs",
])("%j is no topic", (topic) => {
  expect(isTopic(topic)).toBe(false);
});
