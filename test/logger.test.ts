import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLogger, type LogFormat, type LoggerOptions, logLevels, silentLogger } from "../src/logger.ts";
import { ManualClock } from "./support/manual-clock.ts";

function logger(format: LogFormat, options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({
    clock: new ManualClock(),
    sink: { write: (line) => lines.push(line) },
    level: "debug",
    format,
    ...options,
  });
  return { log, lines };
}

describe("the log as JSON", () => {
  test("is one object per line", () => {
    const { log, lines } = logger("json");
    log.as("matric::http").warn("slow client", { connection_id: "c1", queued: 7, gone: undefined, nothing: null });
    expect(lines).toEqual([
      '{"timestamp":"2026-02-05T10:30:00.000Z","level":"WARN","target":"matric::http","fields":{"connection_id":"c1","queued":7,"nothing":null},"message":"slow client"}\n',
    ]);
  });

  test("stays one line whatever a field holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const { log, lines } = logger("json");
        log.info("said", { value });
        expect(lines[0]).toMatch(/^[^\n\r]*\n$/);
        expect(JSON.parse(lines[0] ?? "").fields.value).toBe(value);
      }),
    );
  });
});

describe("the log for people", () => {
  test("is one readable line", () => {
    const { log, lines } = logger("pretty");
    log.info("listening", { url: "http://127.0.0.1:6287/", pid: 7, ok: true, gone: undefined, nothing: null });
    expect(lines).toEqual(["10:30:00.000 INFO  matric listening url=http://127.0.0.1:6287/ pid=7 ok=true\n"]);
  });

  test("has colour only where it was asked for", () => {
    const { log, lines } = logger("pretty", { colour: true });
    log.error("failed", { code: "x" });
    expect(lines[0]).toContain("\x1b[31mERROR\x1b[0m");
  });

  test("nobody can forge a line or steer the terminal through a field", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const { log, lines } = logger("pretty");
        log.info("said", { value });
        const [line = ""] = lines;
        expect(line.endsWith("\n")).toBe(true);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
        expect(line.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      }),
      { examples: [["a\nb"], ["\x1b[2J"], ["\x9b2J"], ["x y"], ['"']] },
    );
  });
});

test("says only what is at least as grave as it was asked for", () => {
  for (const [index, level] of logLevels.entries()) {
    const { log, lines } = logger("json", { level });
    for (const each of logLevels) log[each]("said");
    expect(lines.map((line) => JSON.parse(line).level.toLowerCase())).toEqual(logLevels.slice(index));
    expect(logLevels.map((each) => log.as("other").enabled(each))).toEqual(logLevels.map((_, at) => at >= index));
  }
});

test("a logger that says nothing says nothing under any name", () => {
  expect(silentLogger.as("x").enabled("error")).toBe(false);
  expect(silentLogger.as("x").error("nobody hears")).toBeUndefined();
});
