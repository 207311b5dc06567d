import { describe, expect, test } from "bun:test";
import { paintFor } from "../../cli/paint.ts";
import { fakeIo } from "../support/fake-io.ts";

function paints(isTty: boolean, env: Record<string, string>): boolean {
  const { io } = fakeIo({ isTty, env });
  return paintFor(io.stdout, io)("red", "x") !== "x";
}

describe("colour", () => {
  test("is for terminals", () => {
    expect(paints(true, {})).toBe(true);
    expect(paints(false, {})).toBe(false);
  });

  test("can be refused and forced", () => {
    expect(paints(true, { NO_COLOR: "1" })).toBe(false);
    expect(paints(true, { NO_COLOR: "" })).toBe(true);
    expect(paints(false, { CLICOLOR_FORCE: "1" })).toBe(true);
    expect(paints(false, { CLICOLOR_FORCE: "0" })).toBe(false);
    expect(paints(true, { CLICOLOR_FORCE: "1", NO_COLOR: "1" })).toBe(false);
    expect(paints(true, { TERM: "dumb" })).toBe(false);
  });
});
