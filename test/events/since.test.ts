import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MatricError } from "../../src/errors.ts";
import { systemActor } from "../../src/events/catalog.ts";
import { endBefore, newestCursor, positionSince } from "../../src/events/since.ts";
import type { SqliteLog } from "../../src/events/sqlite-log.ts";
import { openStorage, type Storage } from "../support/storage.ts";

const minuteMs = 60_000;

let storage: Storage;
let log: SqliteLog;

/** Ten events, one a minute from 10:30, the first three of which were removed; now it is 10:40. */
beforeEach(async () => {
  storage = openStorage();
  log = storage.log;
  for (let count = 0; count < 10; count++) {
    await storage.writer.write((tx) => log.append(tx, [{ event: "ThingHappened", data: {}, subject: null, actor: systemActor }]));
    await storage.clock.advance(minuteMs);
  }
  await storage.writer.write((tx) => log.prune(tx, 3, 100));
});

afterEach(() => storage.close());

const since = (text: string) => positionSince(log, text, storage.clock.now());

describe("since", () => {
  test.each([
    ["earliest", 3],
    ["latest", 10],
    ["7", 7],
    ["3", 3],
    ["10", 10],
    ["2026-02-05T10:35:00Z", 5],
    ["2026-02-05T10:35:00.001Z", 6],
    ["2026-02-05t10:35:00z", 5],
    ["2026-02-05 10:35:00Z", 5],
    ["2026-02-05T11:35:00+01:00", 5],
    ["2026-02-05T09:35:00.000000-01:00", 5],
    ["2026-02-05T11:35:00 01:00", 5],
    ["1970-01-01T00:00:00Z", 3],
    ["2999-01-01T00:00:00Z", 10],
    ["5m", 5],
    ["300s", 5],
    ["300000ms", 5],
    ["1h", 3],
    ["1d", 3],
    ["999999999w", 3],
    ["0s", 10],
  ])("%s begins after event %d", (text, seq) => {
    expect(since(text)).toEqual({ seq });
    expect(since(seq === 3 || seq === 10 ? text : `${seq}-${log.epoch}`)).toEqual({ seq });
  });

  test.each([
    "",
    " ",
    "yesterday",
    "5 m",
    "m",
    "-5m",
    "5M",
    "1.5h",
    "2026-02-05",
    "2026-02-05T10:35:00",
    "2026-02-30T10:35:00Z",
    "2026-13-01T00:00:00Z",
    "EARLIEST",
    "null",
    "1-a-b",
    "\u0000",
    "9".repeat(16),
    "9".repeat(400),
  ])("%j is refused with a word on what would be right", (text) => {
    let error: unknown;
    try {
      since(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(MatricError);
    expect(error).toMatchObject({ code: "invalid", details: { field: "since" }, message: expect.stringContaining("latest") });
  });

  test("names the field that it was given in", () => {
    expect(() => positionSince(log, "x", 0, "last_event_id")).toThrow("last_event_id must be");
  });

  test("never fails in another way, and never leaves the log", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
          fc.stringMatching(/^\d{1,9}(ms|[smhdw])$/),
        ),
        (text) => {
          try {
            const { seq } = since(text);
            expect(seq).toBeGreaterThanOrEqual(3);
            expect(seq).toBeLessThanOrEqual(10);
          } catch (error) {
            expect(error).toBeInstanceOf(MatricError);
          }
        },
      ),
    );
  });
});

describe("the end before", () => {
  const before = (text: string) => endBefore(log, text, storage.clock.now());

  test("an event leaves out that event; before a time, the events from then on", () => {
    expect(before("7")).toBe(7);
    expect(before("2026-02-05T10:35:00Z")).toBe(6);
    expect(before("latest")).toBe(11);
    expect(before("earliest")).toBe(4);
  });

  test("a cursor that is not of this log is what it has of that side of it", () => {
    expect(before("999")).toBe(11);
    expect(before("1")).toBe(4);
    expect(before("5-zzzzzz")).toBe(4);
    expect(() => before("soon")).toThrow("before must be");
  });
});

describe("of several cursors", () => {
  const newest = (...texts: string[]) => newestCursor(log, texts);

  test("the newest counts, wherever it stands", () => {
    expect(newest("5", `7-${log.epoch}`, "6")).toBe(`7-${log.epoch}`);
    expect(newest(`7-${log.epoch}`, "5")).toBe(`7-${log.epoch}`);
    expect(newest("10", "9")).toBe("10");
    expect(newest()).toBeUndefined();
  });

  test("one of this life of the log counts before those of others, and any before none", () => {
    expect(newest("99-zzzzzz", "4")).toBe("4");
    expect(newest("99-zzzzzz", "100-yyyyyy", "nonsense")).toBe("100-yyyyyy");
    expect(newest("nonsense")).toBe("nonsense");
  });
});
