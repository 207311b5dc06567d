import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { reportOf } from "../../cli/failure.ts";

function errorOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

test("a file that fails is told in a sentence, a mistake of ours with all that helps to find it", () => {
  expect(reportOf(errorOf(() => readFileSync("/nowhere/at/all")))).toEqual({
    exit: 1,
    error: { code: "file_error", message: "No such file or directory, open '/nowhere/at/all'." },
  });
  expect(reportOf(new TypeError("oops"))).toEqual({
    exit: 1,
    error: { code: "internal", message: expect.stringContaining("failure.test.ts") },
  });
});
