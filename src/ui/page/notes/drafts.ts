import { signal } from "@preact/signals";

/** A text that has not been saved, and what it was made from. */
export interface Draft {
  /** Version of the note that was changed; 0 for a note that is not stored yet. */
  version: number;
  title: string;
  content: string;
  tags: readonly string[];
}

const prefix = "matric:draft:";

/** Unsaved texts of this tab. They outlive a reload and a crash, and each tab has its own. */
export class Drafts {
  /** Ids of the notes that have one. */
  readonly ids = signal<ReadonlySet<string>>(new Set());

  constructor(private readonly storage: Storage) {
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
    this.ids.value = new Set(keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)));
  }

  get(noteId: string): Draft | undefined {
    const text = this.storage.getItem(prefix + noteId);
    // Only this class writes there.
    return text === null ? undefined : (JSON.parse(text) as Draft);
  }

  put(noteId: string, draft: Draft): void {
    try {
      this.storage.setItem(prefix + noteId, JSON.stringify(draft));
    } catch {
      // The browser's store is full: the text is on the page all the same, and leaving it asks first.
    }
    if (!this.ids.value.has(noteId)) this.ids.value = new Set([...this.ids.value, noteId]);
  }

  remove(noteId: string): void {
    this.storage.removeItem(prefix + noteId);
    if (this.ids.value.has(noteId)) this.ids.value = new Set([...this.ids.value].filter((id) => id !== noteId));
  }
}
