import { Value } from "@sinclair/typebox/value";
import { invalid, MatricError } from "../../errors.ts";
import { mismatch } from "../../mismatch.ts";
import { aiRevision, ReviseNote } from "../contract.ts";
import { type Completed, type InternalJobType, type JobContext, JobError, type JobToRun } from "../handler.ts";
import { workerActor } from "../worker-event.ts";
import type { NotesPort } from "./notes-port.ts";
import type { Reviser } from "./reviser.ts";

/** A note that changes while it is revised is revised once more; a text that comes too late again is kept aside. */
const triesMax = 2;

/** The job type `ai_revision`: revises the text of a note, and never overwrites what the user wrote meanwhile. */
export function aiRevisionType(notes: NotesPort, reviser: Reviser): InternalJobType {
  return {
    type: aiRevision,
    accept({ noteId, payload }) {
      if (noteId === undefined) throw invalid("note_id", "note_id must name the note to revise.");
      notes.get(noteId);
      acceptPayload(payload);
    },
    run: (job, context) => run(notes, reviser, job, context),
  };
}

async function run(notes: NotesPort, reviser: Reviser, job: JobToRun, context: JobContext): Promise<Completed> {
  const noteId = job.noteId ?? "";
  const { instructions } = acceptPayload(job.payload);
  const said = { model: reviser.model };
  for (let triesLeft = triesMax; ; triesLeft--) {
    const note = aboutNote(() => notes.get(noteId));
    const content = await reviser.revise(note.content, { instructions, signal: context.signal, progress: context.progress });
    const completed = await context.complete((tx) =>
      aboutNote(() => {
        const revision = { noteId, content, jobId: job.id, actor: workerActor };
        const changed = content !== note.content;
        const outcome = notes.applyRevision(tx, { ...revision, baseVersion: note.version });
        if (outcome.applied) return { ...said, outcome: changed ? "applied" : "unchanged", changed, version: outcome.version };
        if (triesLeft > 1) return undefined;
        if (!changed) return { ...said, outcome: "unchanged", changed, version: outcome.current.version };
        const { version } = notes.keepAside(tx, { ...revision, basedOn: note.version });
        return { ...said, outcome: "kept_aside", changed: false, version };
      }),
    );
    if (completed) return completed;
  }
}

/** Throws `invalid`. */
function acceptPayload(payload: unknown): ReviseNote {
  if (Value.Check(ReviseNote, payload)) return payload;
  throw mismatch(Value.Errors(ReviseNote, payload).First(), "payload", "payload.");
}

/** Tells what the refusal of a note means for the job. */
function aboutNote<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof MatricError)) throw cause;
    if (cause.code === "not_found") {
      throw new JobError(
        { errorCode: "note_not_found", error: "The note was deleted before the job was done.", retry: false },
        { cause },
      );
    }
    if (cause.code === "invalid" || cause.code === "too_large") {
      throw new JobError(
        { errorCode: "ai_bad_answer", error: `The revised text cannot be stored: ${cause.message}`, retry: true },
        { cause },
      );
    }
    throw cause;
  }
}
