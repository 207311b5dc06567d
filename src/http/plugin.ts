import { Elysia } from "elysia";

/** A group of routes below the API's base path. Bodies with unknown fields are refused, not silently trimmed. */
export function plugin(name: string) {
  return new Elysia({ name, prefix: "/api/v1", normalize: false });
}
