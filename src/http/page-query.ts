import { Type } from "@sinclair/typebox";

/** Which page of a list, as query parameters. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50, description: "At most so many items" })),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: "`next_cursor` of the page before" })),
};

export const pageItemsDefault = 50;
