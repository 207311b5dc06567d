import { invalid } from "./errors.ts";

/** The cursor of a list in which a page's `next_cursor` is the id of its last item. Throws `invalid` for one that is no id. */
export function idCursor(cursor: string): string {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(cursor)) return cursor;
  throw invalid("cursor", "cursor must be the next_cursor of the page before, from the same list.");
}
