import { Elysia } from "elysia";
import type { Services } from "./services.ts";

/** Agents: the Model Context Protocol over Streamable HTTP. */
export function mcpRoutes({ mcp }: Services) {
  return new Elysia({ name: "mcp" }).all(
    "/mcp",
    ({ request, server }) => {
      // Agents wait longer than a connection may be idle.
      server?.timeout(request, 0);
      return mcp.handle(request);
    },
    // The protocol has errors of its own for bodies.
    { parse: "none", detail: { hide: true } },
  );
}
