import { Elysia } from "elysia";
import type { Services } from "./services.ts";

/** Whether the server lives, and whether it takes work. */
export function healthRoutes(services: Services) {
  const { log, connections, clock, version, isReady } = services;
  const startedAtMs = clock.monotonicMs();
  return new Elysia({ name: "health" })
    .get(
      "/health",
      () => ({
        status: isReady() ? "ok" : "draining",
        version,
        uptime_seconds: Math.round((clock.monotonicMs() - startedAtMs) / 1000),
        log: { head: log.idOf(log.head()), oldest: log.idOf(log.oldest()), epoch: log.epoch },
        queue: JSON.parse(services.queueStatus()).data,
        connections: connections.count(),
      }),
      { detail: { tags: ["operations"], summary: "Alive, with a summary" } },
    )
    .get("/health/ready", ({ status }) => (isReady() ? { status: "ready" } : status(503, { status: "draining" })), {
      detail: { tags: ["operations"], summary: "200 when the server takes work, 503 while starting or draining" },
    });
}
