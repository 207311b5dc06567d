import { signal } from "@preact/signals";
import type { Client } from "../../../client/client.ts";
import type { Arrival, FeedListener } from "../live/feed-listener.ts";
import type { NoteList } from "./note-list.ts";

/** Titles of notes that others name by their id, whether or not they are in the list. */
export class NoteTitles implements FeedListener {
  readonly #known = signal<ReadonlyMap<string, string>>(new Map());
  readonly #asked = new Set<string>();

  constructor(
    private readonly client: Client,
    private readonly list: NoteList,
  ) {}

  /** What is known now; the title is fetched if it is not. */
  of(id: string): string {
    const title = this.list.titles.value.get(id) ?? this.#known.value.get(id);
    if (title === undefined) void this.#ask(id);
    return title ?? "a note";
  }

  arrived(arrivals: readonly Arrival[]): void {
    for (const { event } of arrivals) {
      const updated = event.dataOf("NoteUpdated");
      if (!updated?.changed.includes("title") || !this.#asked.delete(updated.note_id)) continue;
      this.#known.value = new Map([...this.#known.value].filter(([id]) => id !== updated.note_id));
    }
  }

  async #ask(id: string): Promise<void> {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    const title = await this.client.notes.get(id).then(
      (note) => note.title,
      () => "a deleted note",
    );
    this.#known.value = new Map([...this.#known.value, [id, title]]);
  }
}
