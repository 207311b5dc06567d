import { Elysia } from "elysia";
import { databaseBytes } from "../db/size.ts";
import { Health, Readiness } from "../health.ts";
import { jsonText } from "./json.ts";
import { json, operation } from "./operation.ts";
import type { Services } from "./services.ts";

/** Whether the server lives, and whether it takes work. */
export function healthRoutes(services: Services) {
  const { config, log, connections, clock, jobs, webhooks, version, isReady } = services;
  const startedAtMs = clock.monotonicMs();
  const reviser: Health["reviser"] =
    config.aiUrl && config.aiModel ? { kind: "model", model: config.aiModel } : { kind: "builtin", model: "builtin-tidy" };
  const webhookCounts = (): Health["webhooks"] => {
    const { byStatus, pending } = webhooks.totals();
    return { ...byStatus, pending };
  };
  return new Elysia({ name: "health" })
    .get(
      "/health",
      () => {
        const health: Health = {
          status: isReady() ? "ok" : "draining",
          version,
          uptime_seconds: Math.round((clock.monotonicMs() - startedAtMs) / 1000),
          log: { head: log.idOf(log.head()), oldest: log.idOf(log.oldest()), epoch: log.epoch },
          queue: jobs.status(),
          oldest_job_seconds: Math.round(jobs.oldestWaitingMs() / 1000),
          webhooks: webhookCounts(),
          storage_bytes: Object.values(databaseBytes(config.dataDir)).reduce((sum, bytes) => sum + bytes),
          reviser,
          connections: connections.count(),
        };
        return jsonText(JSON.stringify(health));
      },
      {
        detail: operation({
          id: "getHealth",
          tag: "operations",
          summary: "Whether the server lives, with a summary",
          answers: { 200: json("It lives", Health) },
        }),
      },
    )
    .get("/health/ready", () => (isReady() ? jsonText('{"status":"ready"}') : jsonText('{"status":"draining"}', 503)), {
      detail: operation({
        id: "getReadiness",
        tag: "operations",
        summary: "Whether the server takes work",
        answers: { 200: json("It does", Readiness), 503: json("It is starting or shutting down", Readiness) },
      }),
    });
}
