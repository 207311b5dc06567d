import { expect, test } from "bun:test";
import fc from "fast-check";
import { mayHaveLargeHeaders, refuseLargeHeaders } from "../../src/http/header-size.ts";

const name = fc.oneof(
  fc.constantFrom(
    "accept",
    "cookie",
    "authorization",
    "x-forwarded-for",
    "sec-websocket-extensions",
    "access-control-request-headers",
  ),
  fc.stringMatching(/^x-[a-z0-9]{1,60}$/),
);
const value = fc.oneof(fc.constant(""), fc.stringMatching(/^[!-~]{1,400}$/), fc.constant("é".repeat(90)));

test("no request whose headers are too large is let through unseen", () => {
  const path = fc.stringMatching(/^[a-z0-9]{0,1500}$/);
  fc.assert(
    fc.property(
      path,
      fc.array(fc.tuple(name, value), { maxLength: 60 }),
      fc.integer({ min: 1024, max: 8192 }),
      (path, headers, max) => {
        const request = new Request(`http://localhost/${path}`, { headers: new Headers(headers) });
        const refuse = () => refuseLargeHeaders(request, max);
        if (!mayHaveLargeHeaders(request, max)) expect(refuse).not.toThrow();
      },
    ),
    { numRuns: 2000 },
  );
});

test("an ordinary request is not looked at more closely", () => {
  const headers = { authorization: `Bearer mtr_${"x".repeat(43)}`, accept: "application/json", "user-agent": "curl/8.5.0" };
  expect(mayHaveLargeHeaders(new Request("http://localhost/api/v1/notes", { headers }), 16 * 1024)).toBe(false);
});

test("the size is that of what a client of HTTP/1.1 sends", () => {
  const text = "GET /notes?q=1 HTTP/1.1\r\nhost: localhost\r\nx-a: b\r\n\r\n";
  const request = new Request("http://localhost/notes?q=1", { headers: { host: "localhost", "x-a": "b" } });
  expect(() => refuseLargeHeaders(request, text.length)).not.toThrow();
  expect(() => refuseLargeHeaders(request, text.length - 1)).toThrow(`have ${text.length} bytes`);
});
