import { expect, test } from "bun:test";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { catalog, type EventName } from "../../src/events/catalog.ts";
import { toDraft, type WorkerEvent } from "../../src/jobs/worker-event.ts";

const job = { id: "job-1", type: "resize", note_id: "note-1" };
const actor = { kind: "user", id: "token-1" } as const;
const at = Date.UTC(2026, 1, 5, 10, 30, 0, 123);
const told = { job_id: "job-1", job_type: "resize", note_id: "note-1" };

const cases: [WorkerEvent, EventName, object][] = [
  [{ kind: "queued", job, actor }, "JobQueued", told],
  [{ kind: "started", job, attempt: 2 }, "JobStarted", { ...told, attempt: 2 }],
  [
    { kind: "progress", job, progress: 12.5, message: "half", elapsedMs: 9 },
    "JobProgress",
    { ...told, progress: 12.5, message: "half", elapsed_ms: 9 },
  ],
  [{ kind: "progress", job, progress: 0, message: null, elapsedMs: 0 }, "JobProgress", { ...told, progress: 0, elapsed_ms: 0 }],
  [
    { kind: "retrying", job, attempt: 1, retryAt: at, errorCode: "broken" },
    "JobRetrying",
    { ...told, attempt: 1, retry_at: "2026-02-05T10:30:00.123Z", error_code: "broken" },
  ],
  [{ kind: "completed", job, durationMs: 1234 }, "JobCompleted", { ...told, duration_ms: 1234 }],
  [
    { kind: "failed", job, errorCode: "broken", error: "It broke.", attempts: 3, durationMs: 1 },
    "JobFailed",
    { ...told, error_code: "broken", error: "It broke.", attempts: 3, duration_ms: 1 },
  ],
  [{ kind: "cancelled", job, actor }, "JobCancelled", told],
];

for (const [event, name, data] of cases) {
  test(`what a worker calls ${event.kind} is ${name} in the log, as the catalogue describes it`, () => {
    const draft = toDraft(event);
    expect(draft).toEqual({
      event: name,
      data: draft.data,
      subject: "job:job-1",
      actor: "actor" in event ? actor : { kind: "worker", id: null },
    });
    expect(draft.data).toEqual(data as never);
    expect(addFormats(new Ajv()).validate(catalog[name].data, draft.data)).toBe(true);
  });
}

test("a job that is about no note tells of none", () => {
  expect(toDraft({ kind: "queued", job: { ...job, note_id: null }, actor }).data).toEqual({
    job_id: "job-1",
    job_type: "resize",
  });
});
