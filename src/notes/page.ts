/** Notes can be as large as a request: a page ends early rather than hold hundreds of them in memory. */
const pageCharsMax = 4 * 1024 * 1024;

/** Which page of a list: at most `limit` items (1 to 500) after `cursor`, the `next_cursor` of the page before. */
export interface PageRequest {
  limit: number;
  cursor?: string;
}

/** Takes `limit` items, fewer when their texts are long but at least one, and tells whether any are left. */
export function takePage<Found, Item extends { content: string }>(
  found: readonly Found[],
  limit: number,
  read: (one: Found) => Item,
): { items: Item[]; hasMore: boolean } {
  const items: Item[] = [];
  let chars = 0;
  for (const one of found.slice(0, limit)) {
    if (items.length > 0 && chars > pageCharsMax) break;
    const item = read(one);
    chars += item.content.length;
    items.push(item);
  }
  return { items, hasMore: items.length < found.length };
}
