import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { openStorage, type Storage } from "../support/storage.ts";
import { SubscriptionRig, step } from "../support/subscription-model.ts";

const numRuns = Number(process.env.MATRIC_TEST_RUNS ?? 300);

let storage: Storage;

beforeAll(() => {
  storage = openStorage();
});

afterAll(() => storage.close());

test(
  "whatever happens, every subscriber gets what it asked for: no gap, no repeat, no disorder",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), async (steps) => {
        const rig = new SubscriptionRig(storage.db);
        try {
          for (const one of steps) await rig.run(one);
          await rig.finish();
          expect(rig.broken).toEqual([]);
        } finally {
          rig.close();
        }
      }),
      { numRuns, endOnFailure: false },
    );
  },
  { timeout: 3_600_000 },
);
