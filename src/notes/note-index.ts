import type { Db } from "../db/open.ts";
import type { NotePosition } from "./page-cursor.ts";

/** A note that a list found: enough to read it, and to say where the next page begins. */
export interface Found extends NotePosition {
  rowId: number;
}

/**
 * A rare tag's notes are looked up and sorted; a common tag is found soon enough by walking the list itself. Looking up 100,000
 * notes took 40 ms, walking past as many 18 ms, and either is below 1 ms on its own side of this border.
 */
const rareNotesMax = 1000;

const found = "SELECT n.row_id AS rowId, n.updated_at AS updatedAt, n.id AS id";
const before = "n.deleted_at IS NULL AND (n.updated_at, n.id) < (?1, ?2)";
const newestFirst = "ORDER BY n.updated_at DESC, n.id DESC LIMIT ?3";
const hasTag = "EXISTS (SELECT 1 FROM note_tags t WHERE t.tag = ?4 AND t.note_id = n.id)";
const hits = `FROM notes_search JOIN notes n ON n.row_id = notes_search.rowid WHERE notes_search MATCH ?1 AND n.deleted_at IS NULL`;
// A word in the title says most about a note, then one among its tags.
const bestFirst = "ORDER BY bm25(notes_search, 16.0, 1.0, 6.0), n.row_id DESC LIMIT ?3 OFFSET ?2";

/** Which notes a list shows, and in which order; deleted ones never. It reads no texts, so that sorting holds none. */
export class NoteIndex {
  readonly #latest;
  readonly #latestOfCommonTag;
  readonly #latestOfRareTag;
  readonly #isCommon;
  readonly #search;
  readonly #searchTagged;

  constructor({ sqlite }: Db) {
    this.#latest = sqlite.query<Found, [number, string, number]>(`${found} FROM notes n WHERE ${before} ${newestFirst}`);
    this.#latestOfCommonTag = sqlite.query<Found, [number, string, number, string]>(
      `${found} FROM notes n WHERE ${before} AND ${hasTag} ${newestFirst}`,
    );
    this.#latestOfRareTag = sqlite.query<Found, [number, string, number, string]>(
      `${found} FROM note_tags t CROSS JOIN notes n ON n.id = t.note_id WHERE t.tag = ?4 AND ${before} ${newestFirst}`,
    );
    this.#isCommon = sqlite.query<unknown, [string, number]>("SELECT 1 FROM note_tags WHERE tag = ? LIMIT 1 OFFSET ?");
    this.#search = sqlite.query<Found, [string, number, number]>(`${found} ${hits} ${bestFirst}`);
    this.#searchTagged = sqlite.query<Found, [string, number, number, string]>(`${found} ${hits} AND ${hasTag} ${bestFirst}`);
  }

  /** At most `limit` notes, the newest change first, from the one after `position` on. */
  latest(position: NotePosition | undefined, limit: number, tag: string | undefined): Found[] {
    const { updatedAt, id } = position ?? { updatedAt: Number.MAX_SAFE_INTEGER, id: "" };
    if (tag === undefined) return this.#latest.all(updatedAt, id, limit);
    const tagged = this.#isCommon.get(tag, rareNotesMax) ? this.#latestOfCommonTag : this.#latestOfRareTag;
    return tagged.all(updatedAt, id, limit, tag);
  }

  /** At most `limit` notes that match the FTS5 `expression`, the best first, without the first `offset`. */
  search(expression: string, offset: number, limit: number, tag: string | undefined): Found[] {
    if (tag === undefined) return this.#search.all(expression, offset, limit);
    return this.#searchTagged.all(expression, offset, limit, tag);
  }
}
