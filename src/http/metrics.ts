import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { acceptedMetrics } from "./accept.ts";
import { operation } from "./operation.ts";
import { securityHeaders } from "./security-headers.ts";

const Text = Type.String({ description: "Prometheus's text format, or OpenMetrics where that is asked for" });

/** For Prometheus, and whatever else scrapes. */
export function metricsRoutes(telemetry: Telemetry) {
  return new Elysia({ name: "metrics" }).get(
    "/metrics",
    async ({ request }) => {
      const { contentType, body } = await telemetry.metrics(acceptedMetrics(request.headers.get("accept") ?? ""));
      return new Response(body, {
        headers: { ...securityHeaders, "content-type": contentType, "cache-control": "no-store", vary: "accept" },
      });
    },
    {
      detail: operation({
        id: "getMetrics",
        tag: "operations",
        summary: "Metrics for Prometheus",
        description: "No label grows with what users send.",
        answers: {
          200: {
            description: "All metrics as they are now",
            content: { "text/plain": Text, "application/openmetrics-text": Text },
          },
        },
      }),
    },
  );
}
