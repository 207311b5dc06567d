import { Elysia } from "elysia";
import { checkOrigin } from "./guard.ts";
import type { Services } from "./services.ts";

/** Agents: the Model Context Protocol over Streamable HTTP. */
export function mcpRoutes({ config, mcp }: Services) {
  return new Elysia({ name: "mcp" }).all(
    "/mcp",
    ({ request, server }) => {
      checkOrigin(request, config);
      // Agents wait longer than a connection may be idle.
      server?.timeout(request, 0);
      return mcp.handle(request);
    },
    // The protocol has errors of its own for bodies.
    { parse: "none", detail: { hide: true } },
  );
}
