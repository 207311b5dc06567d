import { Elysia } from "elysia";
import type { Principal } from "../auth/principal.ts";
import { idleSeconds } from "./idle.ts";
import { securityHeaders } from "./security-headers.ts";
import type { Services } from "./services.ts";

/** Agents: the Model Context Protocol over Streamable HTTP. */
export function mcpRoutes({ mcp, access, gate }: Services) {
  return new Elysia({ name: "mcp" }).all(
    "/mcp",
    async ({ request, server }) => {
      // Agents wait longer than a connection may be idle.
      server?.timeout(request, 0);
      const response = access.isOn
        ? await asPrincipal(request, gate.callerOf(request), access.holds, (held, authInfo) => mcp.handle(held, authInfo))
        : await mcp.handle(request);
      // A stream watches for itself whether it is read.
      if (response.headers.get("content-type") !== "text/event-stream") server?.timeout(request, idleSeconds);
      for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
      return response;
    },
    // The protocol has errors of its own for bodies.
    { parse: "none", detail: { hide: true } },
  );
}

type Serve = (request: Request, authInfo: { token: string; clientId: string; scopes: string[] }) => Promise<Response>;

/** Serves a request in somebody's name: what it waits for, and the stream that answers it, end when the token does. */
async function asPrincipal(request: Request, principal: Principal, holds: Services["access"]["holds"], serve: Serve) {
  const ended = new AbortController();
  const release = holds.add({ principal, end: () => ended.abort() });
  request.signal.addEventListener("abort", () => ended.abort());
  // The token itself goes no further: nobody behind this needs it.
  const authInfo = { token: "", clientId: principal.id ?? "", scopes: [...principal.scopes] };
  let response: Response | undefined;
  try {
    response = await serve(new Request(request, { signal: ended.signal }), authInfo);
  } finally {
    if (!response?.body) release();
  }
  const { body, status, headers } = response;
  return body ? new Response(heldBody(body, ended.signal, release), { status, headers }) : response;
}

function heldBody(body: ReadableStream<Uint8Array>, signal: AbortSignal, release: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal.addEventListener("abort", () => {
          reader.cancel().catch(() => {});
          controller.error(new Error("the right to this stream has ended"));
        });
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) {
          controller.enqueue(value);
          return;
        }
        release();
        if (!signal.aborted) controller.close();
      },
      cancel(reason) {
        release();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
