import { expect, test } from "bun:test";
import fc from "fast-check";
import { fingerprint } from "../../src/jobs/fingerprint.ts";

/** The same value with the keys of every object in the opposite order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, part]) => [key, reordered(part)]),
  );
}

test("does not depend on the order of keys", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => fingerprint(reordered(value)) === fingerprint(value)));
});

test("differs for values that differ as JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      fc.pre(JSON.stringify(a) !== JSON.stringify(b) && !Bun.deepEquals(a, b));
      return fingerprint(a) !== fingerprint(b);
    }),
  );
  expect(fingerprint(["a", null, {}])).not.toBe(fingerprint(["a", {}, null]));
});
