import { MatricError } from "../errors.ts";
import { draining } from "./draining.ts";
import { filterFrom, socketQuery, startOf, streamParams } from "./event-query.ts";
import { operation } from "./operation.ts";
import { plugin } from "./plugin.ts";
import type { Services } from "./services.ts";
import type { SocketData } from "./socket-data.ts";

/** The upgrade to a WebSocket. What is wrong with the request is told before it, while a status can still be seen. */
export function socketRoutes({ log, clock, connections, gate, addressOf, systemQueueOf, isReady, upgrade, telemetry }: Services) {
  return plugin("socket").get(
    "/ws",
    ({ request }) => {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        throw new MatricError(
          "malformed",
          "This address speaks WebSocket; send an Upgrade request, or use /api/v1/events for SSE.",
        );
      }
      if (!isReady()) throw draining();
      const address = addressOf(request);
      const limit = connections.fullFor(address);
      if (limit) {
        const whose = limit === "connections" ? "The server" : "Your address";
        throw new MatricError("overloaded", `${whose} holds as many streams as it may.`, { retry_after_seconds: 5, limit });
      }
      const params = streamParams(request, socketQuery);
      const data: SocketData = {
        request: {
          filter: filterFrom(params),
          ...startOf(request, params, log, clock.now()),
          principal: gate.principalOf(request),
          address,
          systemQueue: systemQueueOf(request),
        },
      };
      if (!upgrade(request, data)) throw new MatricError("malformed", "This is not a valid WebSocket handshake.");
      telemetry?.requests.upgraded(request);
      return undefined;
    },
    {
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
