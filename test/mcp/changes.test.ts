import { expect, test } from "bun:test";
import type { Change } from "../../src/mcp/backend.ts";
import { ResourceChanges } from "../../src/mcp/changes.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** A log that a test writes by hand. */
function handLog() {
  const listeners = new Set<(change: Change) => void>();
  return {
    listeners,
    follow(listener: (change: Change) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    happen(event: string, noteId: string | null = null) {
      for (const listener of listeners) listener({ event, noteId });
    },
  };
}

function open() {
  const clock = new ManualClock();
  const log = handLog();
  const changes = new ResourceChanges(log, clock);
  const told: string[] = [];
  const end = changes.subscribe((uri) => told.push(uri));
  return { clock, log, changes, told, end };
}

test("an event tells of the resources that it changes", async () => {
  const expected: [string, string | null, string[]][] = [
    ["NoteUpdated", "n", ["matric://events", "matric://notes/n"]],
    ["JobQueued", "n", ["matric://events", "matric://queue"]],
    ["JobProgress", "n", ["matric://events"]],
    ["QueuePaused", null, ["matric://events", "matric://queue"]],
    ["NotesExported", null, ["matric://events"]],
  ];
  for (const [event, noteId, uris] of expected) {
    const { clock, log, told } = open();
    log.happen(event, noteId);
    await clock.advance(1000);
    expect([event, told]).toEqual([event, uris]);
  }
});

test("what happens at nearly the same time is told once", async () => {
  const { clock, log, told } = open();
  for (let n = 0; n < 1000; n++) log.happen("NoteUpdated", "n");
  await clock.advance(99);
  expect(told).toEqual([]);
  await clock.advance(1);
  expect(told).toEqual(["matric://events", "matric://notes/n"]);
  log.happen("NoteUpdated", "n");
  await clock.advance(100);
  expect(told).toHaveLength(4);
});

test("the log is followed only while somebody wants to know", async () => {
  const { clock, log, changes, told, end } = open();
  const endOther = changes.subscribe(() => {});
  end();
  end();
  log.happen("NoteUpdated", "n");
  expect(log.listeners.size).toBe(1);
  endOther();
  expect([log.listeners.size, clock.pending()]).toEqual([0, 0]);
  await clock.advance(1000);
  expect(told).toEqual([]);
  changes.subscribe((uri) => told.push(uri));
  log.happen("NoteUpdated", "m");
  await clock.advance(1000);
  expect(told).toEqual(["matric://events", "matric://notes/m"]);
});
