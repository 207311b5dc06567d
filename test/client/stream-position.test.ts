import { describe, expect, test } from "bun:test";
import { StreamPosition } from "../../src/client/stream-position.ts";

describe("the position of a stream", () => {
  test("refuses what was handed on, and what came before it", () => {
    const position = new StreamPosition();
    expect(["5-a", "5-a", "3-a", "6-a"].map((id) => position.accept(id))).toEqual([true, false, false, true]);
    expect(position.cursor).toBe("6-a");
  });

  test("begins after the cursor that it was given", () => {
    const position = new StreamPosition("5-a");
    expect(["4-a", "5-a", "6-a"].map((id) => position.accept(id))).toEqual([false, false, true]);
  });

  test("counts each life of the log for itself", () => {
    const position = new StreamPosition("5-a");
    expect(["6-b", "5-a", "7-b", "6-b"].map((id) => position.accept(id))).toEqual([true, false, true, false]);
  });

  test("a cursor event moves it forward only", () => {
    const position = new StreamPosition("5-a");
    position.move("9-a");
    position.move("2-a");
    expect(position.cursor).toBe("9-a");
  });

  test("a gap can lead back to where the log grows anew", () => {
    const position = new StreamPosition("100-a");
    position.jump("50-a");
    expect(position.cursor).toBe("50-a");
    expect(position.accept("51-a")).toBe(true);
  });
});
