import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { aiRevisionType } from "../../../src/jobs/ai-revision/job.ts";
import type { ReviseOptions, Reviser } from "../../../src/jobs/ai-revision/reviser.ts";
import { Notes } from "../../../src/notes/engine.ts";
import { TestQueue, user } from "../../support/jobs.ts";
import { settle } from "../../support/manual-clock.ts";

interface Revision {
  text: string;
  options: ReviseOptions;
  finish(revised: string): Promise<void>;
}

let server: TestQueue;
let notes: Notes;
let revisions: Revision[];

/** A reviser that waits for the test to write its text. */
const reviser: Reviser = {
  model: "test-model",
  revise: (text, options) =>
    new Promise((resolve, reject) => {
      options.signal.addEventListener("abort", () => reject(options.signal.reason));
      const finish = (revised: string) => {
        resolve(revised);
        return settle();
      };
      revisions.push({ text, options, finish });
    }),
  stop: async () => {},
};

const revision = (index: number): Revision => {
  const found = revisions[index];
  if (!found) throw new Error(`there is no revision ${index}`);
  return found;
};
const makeNote = (content = "old") => notes.create({ title: "A note", content, tags: [] }, user);
const revise = async (noteId: string, instructions?: string) => {
  const { job } = await server.queue.revise(noteId, instructions === undefined ? {} : { instructions }, user);
  await settle();
  return job;
};
const eventsSince = (name: string) =>
  server.events.slice(server.events.findIndex(({ event }) => event === name)).map(({ event }) => event);

beforeEach(async () => {
  revisions = [];
  server = await new TestQueue((parts) => {
    notes = new Notes({ ...parts, contentBytesMax: 1024 * 1024 });
    return { internalTypes: [aiRevisionType(notes, reviser)] };
  }).start();
});
afterEach(() => server.close());

describe("revising a note", () => {
  test("gives it the new text and ends the job in one go, and says so in the result", async () => {
    const note = await makeNote();
    const job = await revise(note.id, "Be brief.");
    expect(revision(0)).toMatchObject({ text: "old", options: { instructions: "Be brief." } });
    revision(0).options.progress(40, "writing");
    await revision(0).finish("new");
    expect(notes.get(note.id)).toMatchObject({ content: "new", version: 2 });
    expect(server.queue.get(job.id)).toMatchObject({
      status: "completed",
      note_id: note.id,
      result: { model: "test-model", outcome: "applied", changed: true, version: 2 },
    });
    expect(eventsSince("JobQueued")).toEqual(["JobQueued", "JobStarted", "JobProgress", "NoteUpdated", "JobCompleted"]);
    expect(server.events.find(({ event }) => event === "NoteUpdated")).toMatchObject({
      actor: { kind: "worker", id: null },
      data: { note_id: note.id, version: 2, changed: ["content"], source: "ai_revision", job_id: job.id },
    });
  });

  test("that needs none makes no new version", async () => {
    const note = await makeNote();
    const job = await revise(note.id);
    await revision(0).finish("old");
    expect(server.queue.get(job.id).result).toEqual({ model: "test-model", outcome: "unchanged", changed: false, version: 1 });
    expect(eventsSince("JobQueued")).toEqual(["JobQueued", "JobStarted", "JobCompleted"]);
  });

  test("whose title changes meanwhile is applied all the same", async () => {
    const note = await makeNote();
    const job = await revise(note.id);
    await notes.update(note.id, { title: "Another title" }, { actor: user });
    await revision(0).finish("new");
    expect(notes.get(note.id)).toMatchObject({ title: "Another title", content: "new", version: 3 });
    expect(server.queue.get(job.id).result).toMatchObject({ outcome: "applied", version: 3 });
  });

  test("whose text changes meanwhile works on the newest version", async () => {
    const note = await makeNote();
    const job = await revise(note.id);
    await notes.update(note.id, { content: "the user's" }, { actor: user });
    await revision(0).finish("new from old");
    expect(notes.get(note.id).content).toBe("the user's");
    expect(revision(1).text).toBe("the user's");
    await revision(1).finish("new from the user's");
    expect(notes.get(note.id)).toMatchObject({ content: "new from the user's", version: 3 });
    expect(server.queue.get(job.id)).toMatchObject({ attempt: 1, result: { outcome: "applied", version: 3 } });
  });

  test("whose text keeps changing never overwrites it: the revised text is kept aside for the user to choose", async () => {
    const note = await makeNote();
    const job = await revise(note.id);
    await notes.update(note.id, { content: "second" }, { actor: user });
    await revision(0).finish("revised first");
    await notes.update(note.id, { content: "third" }, { actor: user });
    await revision(1).finish("revised second");
    expect(notes.get(note.id).content).toBe("third");
    const { outcome, version } = server.queue.get(job.id).result as { outcome: string; version: number };
    expect(outcome).toBe("kept_aside");
    expect(notes.revision(note.id, version)).toMatchObject({
      content: "revised second",
      applied: false,
      based_on: 2,
      job_id: job.id,
    });
    expect(eventsSince("JobStarted").filter((name) => name.startsWith("Note"))).toEqual([
      "NoteUpdated",
      "NoteUpdated",
      "NoteRevisionCreated",
    ]);
  });

  test("that is deleted meanwhile fails at once: no other attempt would help", async () => {
    const note = await makeNote();
    const job = await revise(note.id);
    await notes.remove(note.id, { actor: user });
    await revision(0).finish("new");
    expect(server.queue.get(job.id)).toMatchObject({ status: "failed", error_code: "note_not_found", attempt: 1 });
  });

  test("with a text that no note can have fails as a bad answer", async () => {
    const job = await revise((await makeNote()).id);
    await revision(0).finish("x\0y");
    expect(server.queue.get(job.id)).toMatchObject({ status: "queued", error_code: "ai_bad_answer" });
  });

  test("stops when the job is cancelled, and changes nothing", async () => {
    const note = await makeNote();
    const job = await revise(note.id);
    await server.queue.cancel(job.id, user);
    expect(revision(0).options.signal.aborted).toBe(true);
    await revision(0).finish("new");
    expect(notes.get(note.id)).toMatchObject({ content: "old", version: 1 });
  });

  test("is done once, also when the server is killed in the middle", async () => {
    const note = await makeNote();
    const job = await revise(note.id);
    await server.crash();
    await revision(1).finish("new");
    await server.crash();
    expect(revisions).toHaveLength(2);
    expect(notes.get(note.id)).toMatchObject({ content: "new", version: 2 });
    expect(server.queue.get(job.id)).toMatchObject({ status: "completed", attempt: 2 });
    expect(server.events.filter(({ event }) => event === "NoteUpdated")).toHaveLength(1);
  });
});

describe("asking for a revision", () => {
  test("of a note that is not there is refused, by either way", async () => {
    await expect(revise("0197")).rejects.toMatchObject({ code: "not_found" });
    const create = (note_id?: string) => server.queue.create({ type: "ai_revision", ...(note_id ? { note_id } : {}) }, user);
    await expect(create("0197")).rejects.toMatchObject({ code: "invalid", details: { field: "note_id" } });
    await expect(create()).rejects.toMatchObject({ code: "invalid", details: { field: "note_id" } });
  });

  test("with a payload that it does not know is refused, naming the field", async () => {
    const { id } = await makeNote();
    const create = (payload: Record<string, unknown>) => server.queue.create({ type: "ai_revision", note_id: id, payload }, user);
    await expect(create({ instruction: "x" })).rejects.toMatchObject({
      code: "invalid",
      details: { field: "payload.instruction" },
    });
    await expect(create({ instructions: 3 })).rejects.toMatchObject({
      code: "invalid",
      details: { field: "payload.instructions" },
    });
    expect(await create({ instructions: "x" })).toMatchObject({ created: true });
  });

  test("is not for external workers to claim", async () => {
    await expect(server.queue.external.claim({ types: ["ai_revision"], worker_id: "w" })).rejects.toMatchObject({
      code: "invalid",
    });
  });
});
