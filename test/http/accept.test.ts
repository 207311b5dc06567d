import { describe, expect, test } from "bun:test";
import { acceptedAnswer, acceptedMetrics, type EventAnswer } from "../../src/http/accept.ts";

describe("what an Accept header asks of the events", () => {
  test.each<[accept: string, answer: EventAnswer]>([
    ["", "sse"],
    ["*/*", "sse"],
    ["text/event-stream", "sse"],
    ["text/*", "sse"],
    ["application/json", "history"],
    ["APPLICATION/JSON; charset=utf-8", "history"],
    ["application/*", "history"],
    ["application/json, text/plain, */*", "history"],
    ["*/*;q=0.8, application/json", "history"],
    ["application/x-ndjson", "ndjson"],
  ])("%p gets %s", (accept, answer) => expect(acceptedAnswer(accept)).toBe(answer));

  test("what is wanted more counts more than the order", () => {
    expect(acceptedAnswer("application/json, text/event-stream;q=0.5")).toBe("history");
    expect(acceptedAnswer("application/json;q=0.5, text/event-stream")).toBe("sse");
    expect(acceptedAnswer("application/x-ndjson;q=0.1, application/json")).toBe("history");
  });

  test("of several that are wanted alike a stream comes first", () => {
    expect(acceptedAnswer("application/json, text/event-stream")).toBe("sse");
    expect(acceptedAnswer("application/x-ndjson, application/json")).toBe("ndjson");
  });

  test("what a client will not have, it does not get", () => {
    expect(acceptedAnswer("application/json;q=0")).toBe("sse");
    expect(acceptedAnswer("text/event-stream;q=0, application/json;q=0.1")).toBe("history");
  });

  test("a browser's header and nonsense get the stream", () => {
    expect(acceptedAnswer("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")).toBe("sse");
    expect(acceptedAnswer("image/png, ;;q=x, nonsense")).toBe("sse");
  });
});

test.each([
  ["", "text"],
  ["*/*", "text"],
  ["text/plain", "text"],
  ["application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", "openmetrics"],
  ["application/openmetrics-text;version=1.0.0,text/plain", "openmetrics"],
  ["text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", "text"],
  ["application/openmetrics-text;q=0", "text"],
] as const)("whoever scrapes with Accept %p reads %s", (accept, format) => expect(acceptedMetrics(accept)).toBe(format));
