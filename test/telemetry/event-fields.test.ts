import { describe, expect, test } from "bun:test";
import { KindGuard, type TSchema } from "@sinclair/typebox";
import { catalog } from "../../src/events/catalog.ts";
import { builtInNames } from "../../src/events/names.ts";
import { transientCatalog } from "../../src/events/transient-catalog.ts";
import { MalformedEvent, readerFor, readFields } from "../../src/telemetry/event-fields.ts";

const definitions = Object.entries({ ...catalog, ...transientCatalog });

/** Texts that are ids, codes, states or times; any other text may hold somebody's words. */
const harmless = /(^|_)id$|^(error_code|job_type|cursor|oldest|head|to|retry_at|reason)$/;

function isHarmless(name: string, schema: TSchema): boolean {
  if (KindGuard.IsArray(schema)) return isHarmless(name, schema.items);
  return !KindGuard.IsString(schema) || harmless.test(name);
}

function reader(name: string) {
  const found = readerFor(name);
  if (!found) throw new Error(`no reader for ${name}`);
  return found;
}

test("every event of the registry is told", () => {
  expect(builtInNames.filter((name) => !readerFor(name))).toEqual([]);
  expect(new Set(definitions.map(([, { telemetry }]) => telemetry.message)).size).toBe(definitions.length);
});

test.each(definitions)("the allow-list of %s holds nothing that could be somebody's words", (_name, { data, telemetry }) => {
  const schemas: Record<string, TSchema> = data.properties;
  const doubtful = telemetry.fields.filter((field) => {
    const schema = schemas[field];
    return !schema || !isHarmless(field, schema);
  });
  expect(doubtful).toEqual([]);
});

describe("the fields of an event", () => {
  const failed = { job_id: "j", job_type: "resize", error_code: "no_space", error: "secret", attempts: 3, duration_ms: 12 };

  test("are those of the allow-list, and no others", () => {
    expect(readFields(reader("JobFailed"), { ...failed, surprise: "secret" })).toEqual({
      "event.job_id": "j",
      "event.job_type": "resize",
      "event.error_code": "no_space",
      "event.attempts": 3,
      "event.duration_ms": 12,
    });
  });

  test("hold a list as one text", () => {
    const data = { note_id: "n", version: 2, changed: ["title", "tags"], source: "user" };
    expect(readFields(reader("NoteUpdated"), data)).toMatchObject({ "event.changed": "title,tags" });
  });

  test.each([
    ["not an object", "text", "data is not an object"],
    ["without a field", { ...failed, job_id: undefined }, "job_id is missing"],
    ["with a number in the place of a text", { ...failed, job_id: 7 }, "job_id is not what it should be"],
    ["with a text in the place of a number", { ...failed, attempts: "3" }, "attempts is not what it should be"],
    ["with a text that is too long for an id", { ...failed, job_id: "x".repeat(201) }, "job_id is not what it should be"],
  ])("of one %s cannot be read, and the reason names no value", (_what, data, reason) => {
    expect(() => readFields(reader("JobFailed"), data)).toThrow(new MalformedEvent(reason));
  });

  test("hold no state that the registry does not know", () => {
    const data = { note_id: "n", version: 2, changed: ["content", "diary"], source: "user" };
    expect(() => readFields(reader("NoteUpdated"), data)).toThrow(new MalformedEvent("changed is not what it should be"));
    expect(() => readFields(reader("NoteUpdated"), { ...data, changed: [], source: "diary" })).toThrow(MalformedEvent);
  });
});
