import type { Db } from "../db/open.ts";

/** What retention needs of the deliveries' rows; their attempts go with them. */
export class OldDeliveryStore {
  readonly #bounds;
  readonly #firstFrom;
  readonly #removeDelivered;
  readonly #removeExhausted;

  constructor({ sqlite }: Db) {
    this.#bounds = sqlite.query<{ least: number | null; most: number | null }, []>(
      "SELECT (SELECT min(row_id) FROM deliveries) AS least, (SELECT max(row_id) FROM deliveries) AS most",
    );
    this.#firstFrom = sqlite.query<{ row_id: number; created_at: number }, [number]>(
      "SELECT row_id, created_at FROM deliveries WHERE row_id >= ? ORDER BY row_id LIMIT 1",
    );
    this.#removeDelivered = sqlite.query(
      `DELETE FROM deliveries WHERE row_id IN
         (SELECT row_id FROM deliveries WHERE row_id <= ? AND status = 'delivered' ORDER BY row_id LIMIT ?)`,
    );
    this.#removeExhausted = sqlite.query(
      `DELETE FROM deliveries WHERE row_id IN
         (SELECT row_id FROM deliveries WHERE status = 'exhausted' AND row_id <= ?
            AND id NOT IN (SELECT failed_delivery_id FROM webhooks WHERE failed_delivery_id IS NOT NULL) LIMIT ?)`,
    );
  }

  /** The row before which everything was created before `ms`, and the newest one. */
  bounds(ms: number): { before: number; newest: number } {
    const { least, most } = this.#bounds.get() ?? { least: null, most: null };
    if (least === null || most === null) return { before: 0, newest: 0 };
    let [low, high] = [least, most + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#firstFrom.get(middle);
      if (!row || row.created_at >= ms) high = middle;
      else low = row.row_id + 1;
    }
    return { before: low - 1, newest: most };
  }

  /** Removes at most `limit` rows up to and including `upTo`, and returns how many went. */
  removeDelivered(upTo: number, limit: number): number {
    return this.#removeDelivered.run(upTo, limit).changes;
  }

  /** Likewise; but those that made a webhook fail stay until it has recovered: it is sent them once more. */
  removeExhausted(upTo: number, limit: number): number {
    return this.#removeExhausted.run(upTo, limit).changes;
  }
}
