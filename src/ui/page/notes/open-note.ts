import { batch, computed, signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import { ClientError } from "../../../client/errors.ts";
import type { Note } from "../../../notes/contract.ts";
import { patiently } from "../shell/patiently.ts";
import type { Draft, Drafts } from "./drafts.ts";
import type { Cause, Newer } from "./newer.ts";
import { sameTags } from "./same-tags.ts";

export type NoteState = "loading" | "ready" | "deleted" | "missing" | "failed";

export interface OpenNoteDeps {
  client: Client;
  drafts: Drafts;
  /** A newer version is shown now, without anybody having asked for it. */
  onRefreshed: (note: Note, cause: Cause | undefined) => void;
  /** The server has this version. */
  onFetched: (note: Note) => void;
}

/** The note in front of the person: what the server has, what they have made of it, and how the two come together. */
export class OpenNote {
  /** What the text was made from: the version that was loaded or saved last. */
  readonly base = signal<Note | undefined>(undefined);
  readonly title = signal("");
  readonly content = signal("");
  readonly tags = signal<readonly string[]>([]);
  readonly state = signal<NoteState>("loading");
  readonly newer = signal<Newer | undefined>(undefined);
  /** How many times a newer version has taken the place of what was shown. */
  readonly refreshes = signal(0);
  /** How many texts were kept aside since the note was opened. */
  readonly keptAside = signal(0);
  readonly isSaving = signal(false);
  /** The newest version could not be fetched. */
  readonly isBehind = signal(false);
  readonly isDirty = computed(() => {
    const base = this.base.value;
    if (!base) return false;
    return this.title.value !== base.title || this.content.value !== base.content || !sameTags(this.tags.value, base.tags);
  });
  readonly #leaving = new AbortController();
  #wanted = 0;
  #fetched = 0;
  #cause: Cause | undefined;
  #fetching: Promise<void> | undefined;
  #saving: Promise<boolean> | undefined;
  /** Of several loads only the newest one's answer counts. */
  #loads = 0;
  /** Deleted since the load began, whose answer may be older. */
  #isGone = false;
  /**
   * Something may have been missed: the note is to be fetched, whatever its version. When the server was restored from a copy,
   * it has an equal or a lower one than what is shown.
   */
  #isUnsure = false;

  constructor(
    readonly id: string,
    private readonly deps: OpenNoteDeps,
  ) {}

  async load(): Promise<void> {
    const load = ++this.#loads;
    this.#isGone = false;
    try {
      const note = await this.#get();
      if (load !== this.#loads) return;
      const draft = this.deps.drafts.get(this.id);
      if (draft && draft.version > 0) await this.#resume(draft, note);
      else this.#show(note);
      this.state.value = this.#isGone ? "deleted" : "ready";
      await this.#catchUp();
    } catch (error) {
      if (load !== this.#loads || this.#leaving.signal.aborted) return;
      if (!isMissing(error)) this.state.value = "failed";
      else if (this.state.value !== "deleted") this.state.value = "missing";
    }
  }

  /** Nothing more comes of it. */
  close(): void {
    this.#leaving.abort();
  }

  /** Somebody changed the note. It is fetched once for a version, however often and from wherever that is told. */
  updated(version: number, cause: Cause): void {
    if (!this.#isUnsure && (version <= this.#wanted || version <= this.#fetched)) return;
    this.#wanted = Math.max(this.#wanted, version);
    this.#cause = cause;
    void this.#catchUp();
  }

  deleted(): void {
    this.#isGone = true;
    if (this.base.value) this.state.value = "deleted";
  }

  restored(version: number): void {
    if (!this.base.value) return void this.load();
    this.#isGone = false;
    this.state.value = "ready";
    this.#wanted = Math.max(this.#wanted, version);
    void this.#catchUp();
  }

  /** Whatever may have been missed is fetched. */
  async recheck(): Promise<void> {
    if (this.state.value !== "ready") {
      this.keepDraft();
      return this.load();
    }
    this.#isUnsure = true;
    this.#cause = undefined;
    await this.#catchUp();
  }

  /**
   * Stores what the person wrote. False when it was not stored because the note has changed meanwhile: then `newer` is set.
   * One at a time: what was typed since the one before was sent is stored by the next. Rejects when the server cannot be reached or
   * refuses the text.
   */
  async save(): Promise<boolean> {
    while (this.#saving) await this.#saving.catch(() => {});
    this.#saving = this.#save();
    return this.#saving.finally(() => {
      this.#saving = undefined;
    });
  }

  async #save(): Promise<boolean> {
    const base = this.base.value;
    if (!base || this.newer.value || !this.isDirty.value) return !this.newer.value;
    const sent = this.#draft(base.version);
    const changes = {
      ...(sent.title === base.title ? {} : { title: sent.title }),
      ...(sent.content === base.content ? {} : { content: sent.content }),
      ...(sameTags(sent.tags, base.tags) ? {} : { tags: [...sent.tags] }),
    };
    this.isSaving.value = true;
    try {
      this.#stored(sent, await this.deps.client.notes.update(this.id, changes, { ifVersion: base.version }));
      return true;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "version_conflict") throw error;
      const version = error.currentVersion ?? base.version + 1;
      this.#isUnsure ||= version < base.version;
      this.#wanted = Math.max(this.#wanted, version);
    } finally {
      this.isSaving.value = false;
      // What was told meanwhile has waited for the answer.
      await this.#catchUp();
    }
    return this.newer.value === undefined && !this.isBehind.value;
  }

  /** Their version becomes what the text is based on, and `text` what is shown. One that came after it is still to be chosen about. */
  settle(theirs: Newer, text: Pick<Draft, "title" | "content" | "tags">): void {
    batch(() => {
      if (this.newer.value === theirs) this.newer.value = undefined;
      this.base.value = theirs.note;
      this.#write(text);
    });
    this.keepDraft();
  }

  /** Puts what is written where a reload finds it. */
  keepDraft(): void {
    const base = this.base.value;
    if (base && this.isDirty.value) this.deps.drafts.put(this.id, this.#draft(base.version));
    else if (base) this.deps.drafts.remove(this.id);
  }

  discard(): void {
    const shown = this.newer.value?.note ?? this.base.value;
    if (!shown) return;
    this.newer.value = undefined;
    this.#show(shown);
    this.keepDraft();
  }

  /** The version is what everybody agrees on: shown by another way than an event. */
  adopt(note: Note): void {
    this.#fetched = Math.max(this.#fetched, note.version);
    this.#show(note);
    this.keepDraft();
  }

  #draft(version: number): Draft {
    return { version, title: this.title.value, content: this.content.value, tags: this.tags.value };
  }

  #write({ title, content, tags }: Pick<Draft, "title" | "content" | "tags">): void {
    this.title.value = title;
    this.content.value = content;
    this.tags.value = tags;
  }

  #show(note: Note): void {
    batch(() => {
      this.base.value = note;
      this.#write(note);
    });
  }

  /** Goes on with a text from before a reload. */
  async #resume(draft: Draft, note: Note): Promise<void> {
    const isNewer = note.version > draft.version;
    const { title, content, tags } = isNewer ? await this.deps.client.notes.revision(this.id, draft.version) : note;
    batch(() => {
      // The version that the draft was made from may be gone: the server was restored from a copy.
      this.base.value = { ...note, title, content, tags, version: Math.min(draft.version, note.version) };
      this.#write(draft);
      if (isNewer) this.#take(note, undefined);
    });
  }

  #stored(sent: Draft, note: Note): void {
    this.#fetched = Math.max(this.#fetched, note.version);
    batch(() => {
      // The server trims and tidies; what was typed while it did so stays.
      if (this.title.value === sent.title) this.title.value = note.title;
      if (sameTags(this.tags.value, sent.tags)) this.tags.value = note.tags;
      this.base.value = note;
    });
    this.keepDraft();
    this.deps.onFetched(note);
  }

  /** One at a time. Who saves has to know what came of it: what was asked before them may answer without theirs. */
  async #catchUp(): Promise<void> {
    while (this.#fetching) await this.#fetching;
    const fetching = this.#fetchNewer();
    this.#fetching = fetching;
    await fetching;
    this.#fetching = undefined;
  }

  async #fetchNewer(): Promise<void> {
    let isUnsure = false;
    try {
      // Our own change comes back as an event, often before the answer: only the answer tells that it is ours.
      while (!this.isSaving.value && this.state.value === "ready" && (this.#isUnsure || this.#wanted > this.#fetched)) {
        const wanted = this.#wanted;
        const cause = this.#cause;
        const known = this.#fetched;
        isUnsure = this.#isUnsure;
        this.#isUnsure = false;
        const note = await this.#get();
        // What was saved while it was fetched is no sign of anything.
        const isEarlier = isUnsure && this.#fetched === known && this.#contradicts(note);
        if (isEarlier) this.#fetched = note.version;
        if (isEarlier || this.#wanted === wanted) this.#wanted = this.#fetched;
        this.#take(note, cause, isEarlier);
      }
      this.isBehind.value = false;
    } catch (error) {
      // It is as unsure as before.
      this.#isUnsure ||= isUnsure;
      if (this.#leaving.signal.aborted) return;
      if (isMissing(error)) this.state.value = "deleted";
      else this.isBehind.value = true;
    }
  }

  async #get(): Promise<Note> {
    const { signal } = this.#leaving;
    const note = await patiently(() => this.deps.client.notes.get(this.id, signal), signal);
    this.#fetched = Math.max(this.#fetched, note.version);
    this.deps.onFetched(note);
    return note;
  }

  /** The version that was fetched last is not the one that the server has given out by this number, or no longer there. */
  #contradicts({ version, updated_at }: Note): boolean {
    const known = this.newer.value?.note ?? this.base.value;
    return known !== undefined && (version < known.version || (version === known.version && updated_at !== known.updated_at));
  }

  #take(note: Note, cause: Cause | undefined, isEarlier = false): void {
    const base = this.base.value;
    if (!base || (!isEarlier && note.version <= (this.newer.value?.note.version ?? base.version))) return;
    const isSame = note.title === this.title.value && note.content === this.content.value && sameTags(note.tags, this.tags.value);
    if (this.isDirty.value && !isSame) {
      this.newer.value = { note, cause };
      return;
    }
    this.newer.value = undefined;
    this.refreshes.value++;
    this.#show(note);
    this.keepDraft();
    this.deps.onRefreshed(note, cause);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ClientError && error.code === "not_found";
}
