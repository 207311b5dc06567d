import { expect, test } from "bun:test";
import { describeEvents } from "../../src/events/describe.ts";
import { builtInNames } from "../../src/events/names.ts";
import { transientText } from "../../src/events/transient.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("the catalogue describes every built-in event once, as plain JSON", () => {
  const described = describeEvents();
  expect(described.map(({ event }) => event)).toEqual([...builtInNames]);
  expect(JSON.parse(JSON.stringify(described))).toEqual(described);
  for (const { summary, data_schema } of described) {
    expect(summary).not.toBe("");
    expect(data_schema).toMatchObject({ type: "object", additionalProperties: false });
  }
});

test("it tells what is in the log, and which topics can be asked for", () => {
  const one = (name: string) => describeEvents().find(({ event }) => event === name);
  expect(one("JobProgress")).toMatchObject({ in_log: true, topics: ["jobs", "job:{id}", "note:{id}"] });
  expect(one("QueueStatus")).toMatchObject({ in_log: false, topics: ["queue"] });
  expect(one("StreamCursor")).toMatchObject({ in_log: false, topics: [] });
});

test("an event without id is JSON like the others, on one line", () => {
  const text = transientText(new ManualClock(), "StreamClosing", { reason: "slow", retry_ms: 5 });
  expect(text).toBe(
    '{"event":"StreamClosing","time":"2026-02-05T10:30:00.000Z","subject":null,"actor":{"kind":"system","id":null},"data":{"reason":"slow","retry_ms":5}}',
  );
});
