import { Type } from "@sinclair/typebox";
import { MatricError } from "../errors.ts";
import { draining } from "./draining.ts";
import { cursorQuery, filterFrom, filterQuery, startOf } from "./event-query.ts";
import { operation } from "./operation.ts";
import { plugin } from "./plugin.ts";
import type { Services } from "./services.ts";
import type { SocketData } from "./socket.ts";

export const socketQuery = Type.Object({ ...filterQuery, ...cursorQuery });

/** The upgrade to a WebSocket. What is wrong with the request is told before it, while a status can still be seen. */
export function socketRoutes({ log, clock, connections, isReady }: Services) {
  return plugin("socket").get(
    "/ws",
    ({ request, server }) => {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        throw new MatricError(
          "malformed",
          "This address speaks WebSocket; send an Upgrade request, or use /api/v1/events for SSE.",
        );
      }
      if (!isReady()) throw draining();
      if (connections.isFull())
        throw new MatricError("overloaded", "The server holds as many streams as it may.", { retry_after_seconds: 5 });
      const params = new URL(request.url).searchParams;
      const data: SocketData = { request: { filter: filterFrom(params), ...startOf(request, params, log, clock.now()) } };
      if (!server?.upgrade(request, { data: data as never }))
        throw new MatricError("malformed", "This is not a valid WebSocket handshake.");
      return undefined;
    },
    {
      query: socketQuery,
      detail: operation({
        id: "openSocket",
        tag: "events",
        summary: "Follow the log over a WebSocket",
        description: "/api/v1/asyncapi.json describes the messages in both directions.",
        query: socketQuery,
        answers: { 101: { description: "The connection is a WebSocket from here on" } },
        errors: ["malformed"],
      }),
    },
  );
}
