export interface PageQuery {
  /** 1 to 500; 50 if not given. */
  limit?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
}

const pageItemsMax = 500;

/** The first `limit` items of a list, over as many pages as that takes, each fetched when it is needed. */
export async function* listUpTo<Item>(
  limit: number,
  fetchPage: (query: PageQuery) => Promise<{ items: Item[]; next_cursor: string | null }>,
): AsyncGenerator<Item, void, void> {
  let cursor: string | undefined;
  for (let left = limit; left > 0; ) {
    const page = await fetchPage({ limit: Math.min(left, pageItemsMax), cursor });
    yield* page.items.slice(0, left);
    left -= page.items.length;
    if (page.next_cursor === null) return;
    cursor = page.next_cursor;
  }
}
