import { describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { decode } from "../../src/client/conform.ts";
import { Job } from "../../src/jobs/contract.ts";
import { Note } from "../../src/notes/contract.ts";

const note = {
  id: "0197",
  title: "A",
  content: "",
  tags: ["x"],
  version: 1,
  created_at: "2026-02-05T10:30:45.123Z",
  updated_at: "2026-02-05T10:30:45.123Z",
};
const job = {
  id: "0197",
  type: "ai_revision",
  note_id: null,
  status: "queued",
  priority: 0,
  progress: 0,
  message: null,
  attempt: 0,
  max_attempts: 3,
  error_code: null,
  error: null,
  result: null,
  created_at: "2026-02-05T10:30:45.123Z",
  started_at: null,
  finished_at: null,
};

describe("the check of an answer", () => {
  test("lets through what the contract says", () => {
    expect(decode(Note, note, "it")).toEqual(note);
    expect<unknown>(decode(Job, job, "it")).toEqual(job);
  });

  test("lets through fields of a newer server, also where the contract allows none in requests", () => {
    expect(() => decode(Job, { ...job, colour: "blue" }, "it")).not.toThrow();
  });

  test.each([
    [{ ...note, title: 5 }, "title"],
    [{ ...note, tags: ["x", 1] }, "tags.1"],
    [{ ...note, version: 1.5 }, "version"],
    [{ ...note, tags: { 0: "x" } }, "tags"],
    [(({ id: _, ...rest }) => rest)(note), "id"],
  ])("tells where %j is wrong", (value, path) => {
    expect(() => decode(Note, value, "http://x")).toThrow(`http://x answered something that matric does not say (at ${path})`);
  });

  test.each([[null], [undefined], [[]], ["<html>"], [5]])("refuses %p in place of an object", (value) => {
    expect(() => decode(Note, value, "it")).toThrow("answered something");
  });

  test("looks into unions", () => {
    const schema = Type.Union([Type.String(), Type.Null()]);
    expect(decode(schema, null, "it")).toBeNull();
    expect(() => decode(schema, 5, "it")).toThrow();
  });
});
