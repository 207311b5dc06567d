import { describe, expect, test } from "bun:test";
import { printable } from "../../cli/printable.ts";

describe("text that is shown", () => {
  test("cannot steer a terminal", () => {
    expect(printable("a\x1b[31mb\x07\x7f\u009b")).toBe("a\\u001b[31mb\\u0007\\u007f\\u009b");
  });

  test("cannot turn its direction around", () => {
    expect(printable("a\u202eb\u2066")).toBe("a\\u202eb\\u2066");
  });

  test("stays as it is where it does no harm", () => {
    expect(printable("Grüße, 世界 👩‍👩‍👧")).toBe("Grüße, 世界 👩‍👩‍👧");
  });

  test("is one line, or keeps line breaks and tabs as a block", () => {
    expect(printable("a\n\tb\r")).toBe("a\\n\\tb\\u000d");
    expect(printable("a\r\n\tb\r", "block")).toBe("a\n\tb\\u000d");
  });
});
