import { computed, signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import { isFinal } from "../../../client/errors.ts";
import type { Note } from "../../../notes/contract.ts";
import type { Arrival, FeedListener } from "../live/feed-listener.ts";
import { Paced } from "../live/paced.ts";
import { type Row, rowOf } from "./row.ts";

const pageNotes = 60;
const pageNotesMost = 500;
/** Rows and new notes are fetched at most this often, however many events come. */
const refreshMs = 400;
const fetchesAtOnce = 6;

/** The list of notes: a page at a time, each row kept as new as it is visible. */
export class NoteList implements FeedListener {
  readonly rows = signal<readonly Row[]>([]);
  readonly state = signal<"loading" | "ready" | "failed">("loading");
  readonly query = signal("");
  readonly tag = signal<string | undefined>(undefined);
  readonly hasMore = signal(false);
  /** There is no note at all. */
  readonly isEmpty = computed(
    () => this.state.value === "ready" && this.rows.value.length === 0 && this.query.value === "" && this.tag.value === undefined,
  );
  readonly tags = computed(() => [...new Set(this.rows.value.flatMap(({ tags }) => tags))].sort());
  readonly titles = computed(() => new Map(this.rows.value.map(({ id, title }) => [id, title])));
  /** Ids of rows that changed in the list a moment ago. */
  readonly fresh = signal<ReadonlySet<string>>(new Set());
  /** Whoever shows this note fetches it, and hands it on by `put`. */
  openNoteId: string | undefined;
  #cursor: string | null = null;
  #loading = new AbortController();
  #isLoadingMore = false;
  // What was told since the list was asked for: its answer may be older.
  readonly #stale = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #newer = new Map<string, Row>();
  #visible: readonly string[] = [];
  readonly #head = new Paced(refreshMs, () => this.#refreshHead());
  readonly #rowsPace = new Paced(refreshMs, () => this.#refreshRows());

  constructor(private readonly client: Client) {}

  /** Loads the list anew for another search. */
  search(query: string, tag: string | undefined): void {
    if (query === this.query.value && tag === this.tag.value) return;
    this.query.value = query;
    this.tag.value = tag;
    this.load(true);
  }

  /** Also when it was loaded before; `isAnew` begins at the top. */
  load(isAnew = false): void {
    this.#loading.abort();
    this.#loading = new AbortController();
    this.#stale.clear();
    this.#gone.clear();
    this.#newer.clear();
    if (this.rows.value.length === 0) this.state.value = "loading";
    void this.#load(this.#loading.signal, isAnew);
  }

  async more(): Promise<void> {
    if (this.#isLoadingMore || this.#cursor === null) return;
    this.#isLoadingMore = true;
    const { signal } = this.#loading;
    try {
      const { items, next_cursor } = await this.client.notes.list({ ...this.#request(), cursor: this.#cursor }, signal);
      const known = new Set(this.rows.value.map(({ id }) => id));
      this.rows.value = [...this.rows.value, ...this.#rowsOf(items.filter(({ id }) => !known.has(id)))];
      this.#turnPage(next_cursor);
    } catch {
      // Scrolling on asks again.
    } finally {
      this.#isLoadingMore = false;
    }
  }

  refresh(): void {
    this.load();
  }

  resumed(): void {
    if (this.state.value === "failed") this.load();
    else this.#rowsPace.want();
  }

  arrived(arrivals: readonly Arrival[]): void {
    for (const { event } of arrivals) {
      const updated = event.dataOf("NoteUpdated");
      if (updated && updated.note_id !== this.openNoteId) this.#stale.add(updated.note_id);
      const back = event.dataOf("NoteCreated") ?? event.dataOf("NoteRestored");
      if (back) {
        this.#gone.delete(back.note_id);
        this.#head.want();
      }
      const gone = event.dataOf("NoteDeleted");
      if (gone) this.#gone.add(gone.note_id);
    }
    if (this.rows.value.some(({ id }) => this.#gone.has(id))) {
      this.rows.value = this.rows.value.filter(({ id }) => !this.#gone.has(id));
    }
    if (this.#isAnyVisibleStale()) this.#rowsPace.want();
    // A note that is not in the list may match the search now.
    if (this.#stale.size > 0 && this.query.value !== "") this.#head.want();
  }

  /** The list shows these rows now; those that changed are fetched. */
  see(ids: readonly string[]): void {
    this.#visible = ids;
    if (this.#isAnyVisibleStale()) this.#rowsPace.want();
  }

  /** The note was fetched or saved anyway. */
  put(note: Note): void {
    const row = rowOf(note);
    this.#stale.delete(row.id);
    this.#newer.set(row.id, row);
    const known = this.rows.value.find(({ id }) => id === row.id);
    if (known && known.version < row.version) this.#replace(new Map([[row.id, row]]));
  }

  #request() {
    return { q: this.query.value, tag: this.tag.value, limit: pageNotes };
  }

  async #load(signal: AbortSignal, isAnew: boolean): Promise<void> {
    try {
      // As much as was shown before, so that nobody's place in the list is lost.
      const limit = Math.min(Math.max(pageNotes, isAnew ? 0 : this.rows.value.length), pageNotesMost);
      const { items, next_cursor } = await this.client.notes.list({ ...this.#request(), limit }, signal);
      this.rows.value = this.#rowsOf(items);
      this.#turnPage(next_cursor);
      this.state.value = "ready";
    } catch {
      if (!signal.aborted) this.state.value = "failed";
    }
  }

  /** What an answer brings, but for what is known better by now. */
  #rowsOf(notes: readonly Note[]): Row[] {
    const rows = notes.filter(({ id }) => !this.#gone.has(id)).map(rowOf);
    return rows.map((row) => {
      const newer = this.#newer.get(row.id);
      return newer && newer.version > row.version ? newer : row;
    });
  }

  #turnPage(cursor: string | null): void {
    this.#cursor = cursor;
    this.hasMore.value = cursor !== null;
  }

  /** New notes come to the top; nothing else moves under the reader's eyes. */
  async #refreshHead(): Promise<void> {
    const { signal } = this.#loading;
    const { items } = await this.client.notes.list(this.#request(), signal);
    const known = new Map(this.rows.value.map((row) => [row.id, row.version]));
    const added = this.#rowsOf(items.filter(({ id }) => !known.has(id)));
    if (added.length > 0) this.rows.value = [...added, ...this.rows.value];
    this.#flash(added.map(({ id }) => id));
    const newer = items.filter(({ id, version }) => (known.get(id) ?? version) < version);
    this.#replace(new Map(newer.map((note) => [note.id, rowOf(note)])));
  }

  #isAnyVisibleStale(): boolean {
    return this.#stale.size > 0 && this.#visible.some((id) => this.#stale.has(id));
  }

  async #refreshRows(): Promise<void> {
    const { signal } = this.#loading;
    const ids = this.#visible.filter((id) => this.#stale.has(id)).slice(0, fetchesAtOnce);
    for (const id of ids) this.#stale.delete(id);
    const unreached: string[] = [];
    const fetch = (id: string) =>
      this.client.notes.get(id, signal).catch((error: unknown) => {
        if (!isFinal(error)) unreached.push(id);
        return undefined;
      });
    const notes = await Promise.all(ids.map(fetch));
    this.#replace(new Map(notes.flatMap((note) => (note ? [[note.id, rowOf(note)]] : []))));
    // Those that could not be reached wait for the connection to stand again.
    if (this.#isAnyVisibleStale() && unreached.length === 0) this.#rowsPace.want();
    for (const id of unreached) this.#stale.add(id);
  }

  #replace(changed: ReadonlyMap<string, Row>): void {
    if (changed.size === 0) return;
    for (const [id, row] of changed) this.#newer.set(id, row);
    this.rows.value = this.rows.value.map((row) => changed.get(row.id) ?? row);
    this.#flash([...changed.keys()]);
  }

  #flash(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.fresh.value = new Set([...this.fresh.value, ...ids]);
    setTimeout(() => {
      this.fresh.value = new Set([...this.fresh.value].filter((id) => !ids.includes(id)));
    }, 1600);
  }
}
