import type { EventData } from "../../../events/catalog.ts";
import type { Note } from "../../../notes/contract.ts";

/** Why a note has a newer version than the one that was shown. */
export type Cause = Pick<EventData<"NoteUpdated">, "source" | "job_id">;

/** A version that came while the person was writing. Nothing is done with it until they have chosen. */
export interface Newer {
  note: Note;
  cause: Cause | undefined;
}
