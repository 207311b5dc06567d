import { describe, expect, test } from "bun:test";
import { createBaseUrl, segment } from "../../src/client/base-url.ts";

describe("the address of a server", () => {
  test.each([
    ["http://127.0.0.1:6287", "http://127.0.0.1:6287/api/v1/notes"],
    ["127.0.0.1:6287", "http://127.0.0.1:6287/api/v1/notes"],
    ["localhost:6287/", "http://localhost:6287/api/v1/notes"],
    ["https://example.org/tools/matric/", "https://example.org/tools/matric/api/v1/notes"],
    ["https://example.org/tools/matric/api/v1/", "https://example.org/tools/matric/api/v1/notes"],
    [" http://[::1]:6287?x=1#y ", "http://[::1]:6287/api/v1/notes"],
  ])("%s is understood", (text, notes) => {
    expect(createBaseUrl(text).to("api/v1/notes").href).toBe(notes);
  });

  test.each(["", "ftp://example.org", "http://", "file:///etc/passwd", "not an address"])("%p is refused", (text) => {
    expect(() => createBaseUrl(text)).toThrow("is not the address of a server");
  });

  test("queries leave out what is not given and join lists", () => {
    const url = createBaseUrl("localhost:1").to("x", { a: "1 2", b: undefined, c: [], d: ["p", "q"], e: 5 });
    expect(url.search).toBe("?a=1+2&d=p%2Cq&e=5");
  });

  test("is shown without credentials", () => {
    expect(createBaseUrl("http://me:secret@example.org/x").shown).toBe("http://example.org/x");
  });

  test("an id cannot leave its place in the path", () => {
    expect(segment("a/../b?c")).toBe("a%2F..%2Fb%3Fc");
    expect(() => segment("..")).toThrow("is not an id");
    expect(() => segment("")).toThrow("is not an id");
  });
});
