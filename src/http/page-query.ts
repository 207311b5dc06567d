import { Type } from "@sinclair/typebox";
import { MatricError } from "../errors.ts";

export const pageItemsDefault = 50;

/** Which page of a list, as query parameters. */
export function pageQuery(itemsMax: number) {
  return {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: itemsMax, default: pageItemsDefault, description: "At most so many items" }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 500, description: "`next_cursor` of the page before" })),
  };
}

/** Throws `invalid` when more items are asked for than a page may have. */
export function refuseLargePage(asked: number, itemsMax: number): void {
  if (!(asked > itemsMax)) return;
  const message = `limit must be a whole number from 1 to ${itemsMax}, not ${asked}.`;
  throw new MatricError("invalid", message, { field: "limit", limit: "page_items" });
}
