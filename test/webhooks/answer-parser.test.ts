import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AnswerParser, BadAnswer } from "../../src/webhooks/answer-parser.ts";

interface Read {
  isComplete: boolean;
  status: number | undefined;
  body: string;
  isReusable: boolean;
}

/** Reads pieces as they come from a connection that is closed after the last. */
function read(...pieces: string[]): Read {
  const parser = new AnswerParser();
  const isComplete = pieces.some((piece) => parser.push(Buffer.from(piece, "latin1"))) || parser.end();
  return { isComplete, status: parser.answer?.status, body: parser.body().toString("latin1"), isReusable: parser.isReusable };
}

const headers = (text: string) => {
  const parser = new AnswerParser();
  parser.push(Buffer.from(text, "latin1"));
  return { ...parser.answer?.headers };
};

const whole = { isComplete: true, status: 200, isReusable: true };
const last = { isComplete: true, status: 200, isReusable: false };
const cut = { isComplete: false, status: 200, isReusable: false };

const good: [string, Read][] = [
  ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", { ...whole, body: "hello" }],
  ["HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", { ...whole, body: "" }],
  ["HTTP/1.1 204 No Content\r\n\r\n", { ...whole, status: 204, body: "" }],
  ["HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", { ...whole, status: 304, body: "" }],
  ["HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", { ...whole, body: "hello" }],
  [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
    { ...whole, body: "hello world" },
  ],
  [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
    { ...whole, body: "0123456789" },
  ],
  [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    { ...whole, body: "ok" },
  ],
  ["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", { ...last, body: "ok" }],
  ["HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", { ...last, body: "ok" }],
  ["HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", { ...last, body: "ok" }],
  ["HTTP/1.1 200 OK\r\n\r\nuntil the end", { ...last, body: "until the end" }],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nuntil the end", { ...last, body: "until the end" }],
  ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", { ...last, body: "ok" }],
  ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", { ...cut, body: "short" }],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort", { ...cut, body: "short" }],
  ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", { ...cut, body: "ok" }],
  ["HTTP/1.1 200 OK\r\nContent-Length: 3", { ...cut, status: undefined, body: "" }],
];

describe("an answer", () => {
  test.each(good)("%j is read", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test("is read the same in whatever pieces it comes", () => {
    const cuts = fc.array(fc.nat({ max: 120 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...good), cuts, ([text, expected], at) => {
        const sorted = [0, ...at.filter((one) => one < text.length).sort((a, b) => a - b), text.length];
        const pieces = sorted.slice(1).map((end, index) => text.slice(sorted[index], end));
        expect(read(...pieces)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
    for (const [text, expected] of good) expect(read(...text)).toEqual(expected);
  });

  test("that brings more than it says is the last one on its connection", () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Smuggled\r\n\r\n";
    expect(read(text)).toEqual({ ...last, body: "ok" });
  });

  test("tells its headers by name in lower case, repeated ones together", () => {
    const text =
      "HTTP/1.1 200 OK\r\nX-One:  1 \r\nSet-Cookie: a\r\nset-cookie: b\r\n__proto__: p\r\nEmpty:\r\nContent-Length: 0\r\n\r\n";
    expect(Object.entries(headers(text))).toEqual([
      ["x-one", "1"],
      ["set-cookie", "a, b"],
      ["__proto__", "p"],
      ["empty", ""],
      ["content-length", "0"],
    ]);
  });

  test.each([
    "ICY 200 OK\r\n\r\n",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 999 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
    "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-A: b\r\n folded: c\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;".padEnd(2000, "x"),
    `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(33_000)}\r\n\r\n`,
    "HTTP/1.1 100 Continue\r\n\r\n".repeat(2000),
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"X-A: b\r\n".repeat(6000)}\r\n`,
  ])("%.60j is refused", (text) => {
    expect(() => read(text)).toThrow(BadAnswer);
    expect(() => read(...(text.match(/[\s\S]{1,7}/g) ?? []))).toThrow(BadAnswer);
  });

  test("is read for 64 KiB, of which 16 are kept", () => {
    const parser = new AnswerParser();
    parser.push(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"));
    let pieces = 1;
    while (!parser.push(Buffer.alloc(1000, "x"))) pieces++;
    expect(pieces).toBe(66);
    expect(parser.body().length).toBe(16 * 1024);
    expect(parser.isReusable).toBe(false);
  });
});
