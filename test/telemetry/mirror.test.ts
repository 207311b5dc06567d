import { beforeEach, describe, expect, test } from "bun:test";
import type { StoredEvent } from "../../src/events/log.ts";
import { createLogger, type LogFields, type LogLevel } from "../../src/logger.ts";
import { Mirror } from "../../src/telemetry/mirror.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";

let clock: ManualClock;
let lines: { timestamp: string; level: string; target: string; fields: LogFields; message: string }[];
let counts: Record<string, number>;
let observed: [string, LogFields][];

beforeEach(() => {
  clock = new ManualClock();
  lines = [];
  counts = {};
  observed = [];
});

function mirror(level: LogLevel = "info", needs: (name: string) => boolean = () => false): Mirror {
  const sink = { write: (line: string) => lines.push(JSON.parse(line)) };
  const logger = createLogger({ clock, sink, level, format: "json" }).as("matric::events");
  const meter = {
    needs,
    observe: (name: string, fields: LogFields) => observed.push([name, fields]),
    count: (name: string, events: number) => {
      counts[name] = (counts[name] ?? 0) + events;
    },
  };
  return new Mirror({ clock, logger, meter });
}

function stored(seq: number, name: string, data: object, more: object = {}): StoredEvent {
  const id = `${seq}-abc123`;
  const envelope = {
    id,
    event: name,
    time: "2026-02-05T10:30:45.123Z",
    subject: null,
    actor: { kind: "user", id: null },
    ...more,
  };
  const text = JSON.stringify({ ...envelope, data });
  return { seq, id, name, at: Date.UTC(2026, 1, 5, 10, 30, 45, 123), noteId: null, jobId: null, text };
}

const completed = { job_id: "j1", job_type: "ai_revision", note_id: "n1", duration_ms: 1234 };

describe("an event", () => {
  test("becomes one line, with the time at which it happened", () => {
    const one = mirror();
    one.take([stored(7, "JobCompleted", completed, { actor: { kind: "worker", id: null } })]);
    one.flush();
    expect(lines).toEqual([
      {
        timestamp: "2026-02-05T10:30:45.123Z",
        level: "INFO",
        target: "matric::events",
        fields: {
          "event.type": "JobCompleted",
          "event.id": "7-abc123",
          "event.actor_kind": "worker",
          "event.job_id": "j1",
          "event.job_type": "ai_revision",
          "event.note_id": "n1",
          "event.duration_ms": 1234,
        },
        message: "Job completed",
      },
    ]);
  });

  test("that a user published is told without its data and its subject", () => {
    const one = mirror();
    const data = { note_id: "secret", nested: { data: 1 } };
    one.take([
      stored(1, "ThingHappened", data, {
        subject: 'x","actor":{"kind":"system","id":"secret"},"data":',
        actor: { kind: "agent", id: "t1" },
      }),
    ]);
    one.flush();
    expect(lines.map(({ fields }) => fields)).toEqual([
      { "event.type": "ThingHappened", "event.id": "1-abc123", "event.actor_kind": "agent", "event.actor_id": "t1" },
    ]);
    expect(counts).toEqual({ custom: 1 });
  });

  test("without id bears the connection that it is about", () => {
    const one = mirror();
    one.takeTransient("StreamGap", { from: "1-secret", to: "5-abc123", reason: "expired" }, "c1");
    one.takeTransient(
      "ConnectionClosed",
      { connection_id: "c1", transport: "ws", reason: "heartbeat", duration_ms: 90_000 },
      "c1",
    );
    one.flush();
    expect(lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      [
        "WARN",
        "Stream gap",
        { "event.type": "StreamGap", "event.to": "5-abc123", "event.reason": "expired", connection_id: "c1" },
      ],
      [
        "INFO",
        "Connection closed",
        {
          "event.type": "ConnectionClosed",
          "event.connection_id": "c1",
          "event.transport": "ws",
          "event.reason": "heartbeat",
          "event.duration_ms": 90_000,
          connection_id: "c1",
        },
      ],
    ]);
  });

  test("of a trace bears its ids", () => {
    const one = mirror();
    one.take([{ ...stored(1, "QueuePaused", {}), trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }]);
    one.flush();
    expect(lines[0]?.fields).toMatchObject({ trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", span_id: "00f067aa0ba902b7" });
  });

  test("that comes often is told only to those who want every detail", () => {
    const progress = stored(1, "JobProgress", { job_id: "j", job_type: "t", progress: 5, message: "secret", elapsed_ms: 7 });
    const quiet = mirror("info");
    quiet.take([progress]);
    quiet.flush();
    expect([lines.length, counts]).toEqual([0, { JobProgress: 1 }]);
    const chatty = mirror("debug");
    chatty.take([progress]);
    chatty.flush();
    expect(lines).toMatchObject([{ level: "DEBUG", fields: { "event.progress": 5, "event.elapsed_ms": 7 } }]);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  test("is measured even where the log does not take it", () => {
    const one = mirror("error", (name) => name === "JobCompleted");
    one.take([stored(1, "JobCompleted", completed), stored(2, "QueuePaused", {})]);
    one.flush();
    expect(observed.map(([name, fields]) => [name, fields["event.duration_ms"]])).toEqual([["JobCompleted", 1234]]);
  });
});

describe("a malformed event", () => {
  test.each([
    ["whose text is no JSON", { text: '{"id": secret' }],
    ["whose text is nothing at all", { text: "null" }],
    ["without an actor", { text: '{"id":"1-abc123","data":{}}' }],
    ["that lacks a field", { text: '{"id":"1-abc123","actor":{"kind":"user","id":null},"data":{"secret":1}}' }],
    [
      "with an actor of a kind that there is not",
      { text: '{"actor":{"kind":"secret","id":null},"data":{}}', name: "ThingHappened" },
    ],
  ])("%s is skipped, and logged without what it holds", (_what, broken) => {
    const one = mirror();
    one.take([{ ...stored(1, "JobCompleted", completed), ...broken }, stored(2, "QueuePaused", {})]);
    one.flush();
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ["WARN", "an event is malformed and was skipped"],
      ["INFO", "Queue paused"],
    ]);
    expect(JSON.stringify(lines)).not.toContain("secret");
    expect(one.malformed).toBe(1);
  });
});

describe("many events", () => {
  const many = (count: number) => Array.from({ length: count }, (_, seq) => stored(seq, "QueuePaused", {}));

  test("are told some at a time, in order, and not while they are put down", async () => {
    const one = mirror();
    one.take(many(1000));
    expect(lines).toEqual([]);
    await settle();
    one.flush();
    expect(lines.map(({ fields }) => fields["event.id"])).toEqual(many(1000).map(({ id }) => id));
  });

  test("few of them wait for the next tick", async () => {
    const one = mirror();
    one.take(many(3));
    await settle();
    expect(lines).toEqual([]);
    one.tick();
    expect(lines.length).toBe(3);
  });

  test("are told while the disk is waited for, if they are worth it", () => {
    const one = mirror();
    one.take(many(99));
    one.ease();
    expect(lines).toEqual([]);
    one.take(many(1));
    one.ease();
    expect(lines.length).toBe(100);
  });

  test("that are large take room only until they are told, even while others keep coming", async () => {
    const one = mirror();
    const large = (count: number) =>
      Array.from({ length: count }, (_, seq) => stored(seq, "ThingHappened", { text: "x".repeat(64 * 1024) }));
    for (let round = 0; round < 4; round++) {
      one.take(large(201));
      // A turn tells 200 of them: one is left each time.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(one.dropped).toBe(0);
  });

  test("are dropped and counted when too many wait", () => {
    const one = mirror();
    one.take(many(100_500));
    expect(one.dropped).toBe(500);
    const large = mirror();
    large.take(Array.from({ length: 300 }, (_, seq) => stored(seq, "ThingHappened", { text: "x".repeat(64 * 1024) })));
    expect(large.dropped).toBeGreaterThan(0);
    large.flush();
    large.take(many(1));
    large.flush();
    expect(lines.at(-1)?.fields["event.type"]).toBe("QueuePaused");
  });
});
