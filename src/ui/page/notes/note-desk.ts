import { effect, signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import type { Job } from "../../../jobs/contract.ts";
import type { Note, Revision } from "../../../notes/contract.ts";
import type { JobBoard } from "../jobs/job-board.ts";
import type { Arrival, FeedListener } from "../live/feed-listener.ts";
import { go, route } from "../shell/route.ts";
import type { Toasts } from "../shell/toasts.ts";
import type { Drafts } from "./drafts.ts";
import type { Cause, Newer } from "./newer.ts";
import type { NoteList } from "./note-list.ts";
import { OpenNote } from "./open-note.ts";

interface NoteDeskDeps {
  client: Client;
  list: NoteList;
  jobs: JobBoard;
  drafts: Drafts;
  toasts: Toasts;
}

/** What can be done with notes, and the one that is open. */
export class NoteDesk implements FeedListener {
  readonly open = signal<OpenNote | undefined>(undefined);
  /** The two texts of a conflict stand side by side. */
  readonly isChoosing = signal(false);
  /** Id of a note that was made just now: its title waits to be written. */
  readonly created = signal<string | undefined>(undefined);

  constructor(private readonly deps: NoteDeskDeps) {
    effect(() => {
      const at = route.value;
      this.#open("noteId" in at ? at.noteId : undefined);
    });
  }

  refresh(): void {
    void this.open.peek()?.recheck();
  }

  resumed(): void {
    const note = this.open.peek();
    if (note?.isBehind.value || note?.state.value === "failed") void note.recheck();
  }

  arrived(arrivals: readonly Arrival[]): void {
    const note = this.open.peek();
    if (!note) return;
    for (const { event } of arrivals) {
      if (!event.name.startsWith("Note")) continue;
      const updated = event.dataOf("NoteUpdated");
      if (updated?.note_id === note.id) note.updated(updated.version, updated);
      const deleted = event.dataOf("NoteDeleted");
      if (deleted?.note_id === note.id) note.deleted();
      const restored = event.dataOf("NoteRestored");
      if (restored?.note_id === note.id) note.restored(restored.version);
      const kept = event.dataOf("NoteRevisionCreated");
      if (kept?.note_id === note.id) this.#keptAside(note, kept.version);
    }
  }

  async create(): Promise<void> {
    const { client, toasts } = this.deps;
    try {
      const note = await client.notes.create({ title: "Untitled note", content: "" });
      this.created.value = note.id;
      go({ view: "notes", noteId: note.id });
    } catch (error) {
      toasts.problem("The note could not be created", error);
    }
  }

  /** False when it could not be saved; then the person has been told why. */
  async save(note: OpenNote): Promise<boolean> {
    if (note.newer.value) {
      this.isChoosing.value = true;
      return false;
    }
    try {
      const isSaved = await note.save();
      if (!isSaved) this.isChoosing.value = true;
      return isSaved;
    } catch (error) {
      this.deps.toasts.problem("Not saved; your text is still here", error);
      return false;
    }
  }

  /** What the person chose in a conflict. */
  async choose(note: OpenNote, theirs: Newer, text: { title: string; content: string; tags: readonly string[] }): Promise<void> {
    this.isChoosing.value = false;
    note.settle(theirs, text);
    if (await this.save(note)) this.deps.toasts.show({ key: `chosen:${note.id}`, kind: "success", text: "Saved your choice" });
  }

  async remove({ id, title }: { id: string; title: string }): Promise<void> {
    const { client, toasts, drafts } = this.deps;
    try {
      await client.notes.remove(id);
    } catch (error) {
      toasts.problem("The note could not be deleted", error);
      return;
    }
    drafts.remove(id);
    const at = route.value;
    if ("noteId" in at && at.noteId === id) go({ view: "notes" });
    const undo = { label: "Undo", run: () => this.restore(id) };
    toasts.show({ key: `deleted:${id}`, kind: "info", text: `Deleted “${title}”`, action: undo });
  }

  async restore(id: string): Promise<void> {
    const { client, toasts } = this.deps;
    try {
      await client.notes.restore(id);
      toasts.dismiss(`deleted:${id}`);
      const note = this.open.value;
      if (note?.id === id) await note.recheck();
      else go({ view: "notes", noteId: id });
    } catch (error) {
      toasts.problem("The note could not be restored", error);
    }
  }

  /** Saves what is unsaved, and has the note revised. */
  async revise(note: OpenNote, instructions: string): Promise<Job | undefined> {
    const { client, jobs, toasts } = this.deps;
    if (!(await this.save(note))) return undefined;
    try {
      const job = await client.notes.revise(note.id, instructions.trim() === "" ? {} : { instructions: instructions.trim() });
      jobs.put(job);
      return job;
    } catch (error) {
      toasts.problem("The revision could not be asked for", error);
      return undefined;
    }
  }

  async restoreRevision({ note_id: id, version, applied }: Revision): Promise<void> {
    const { client, toasts } = this.deps;
    try {
      const note = await client.notes.restoreRevision(id, version);
      this.open.value?.adopt(note);
      this.deps.list.put(note);
      const text = applied ? `Version ${version} is the note’s text again` : "The text that was kept aside is the note’s now";
      toasts.show({ key: `restored:${id}`, kind: "success", text });
      go({ view: "notes", noteId: id });
    } catch (error) {
      toasts.problem("The version could not be restored", error);
    }
  }

  #open(id: string | undefined): void {
    const before = this.open.peek();
    if (before?.id === id) return;
    before?.keepDraft();
    before?.close();
    this.isChoosing.value = false;
    this.deps.list.openNoteId = id;
    if (id === undefined) {
      this.open.value = undefined;
      return;
    }
    const { client, list, drafts } = this.deps;
    const onRefreshed = (note: Note, cause: Cause | undefined) => this.#tellRefreshed(note, cause);
    this.open.value = new OpenNote(id, { client, drafts, onRefreshed, onFetched: (note) => list.put(note) });
    void this.open.value.load();
  }

  #tellRefreshed(note: Note, cause: Cause | undefined): void {
    // After a gap it is not known who it was.
    const by = cause ? (authors[cause.source] ?? "") : "";
    this.deps.toasts.show({ key: cause?.job_id ?? `updated:${note.id}`, kind: "success", text: `Note updated${by}` });
  }

  #keptAside(note: OpenNote, version: number): void {
    note.keptAside.value++;
    const target = { view: "history", noteId: note.id, version } as const;
    this.deps.toasts.show({
      key: `aside:${note.id}`,
      kind: "info",
      text: "The AI’s text was kept aside, because the note had changed",
      action: { label: "Compare", run: () => go(target) },
    });
  }
}

const authors: Record<Cause["source"], string> = {
  ai_revision: " by AI revision",
  agent: " by an agent",
  restore: ": an earlier version was restored",
  user: " elsewhere",
};
