import type { Clock } from "../clock.ts";
import type { Tracing } from "../tracing.ts";
import type { WatchAttempt } from "../webhooks/sending.ts";
import type { WorkMetrics } from "./metrics/work-metrics.ts";

/** Measures each request to a webhook, and lets its receiver go on with the trace of the event. */
export function attemptWatch(metrics: WorkMetrics, clock: Clock, tracing: Tracing | undefined): WatchAttempt {
  return ({ webhookId, deliveryId, event, number }) => {
    const beganAfterMs = clock.now() - event.at;
    // The address is the receiver's own: URLs of webhooks hold secrets.
    const span = tracing?.begin("POST", {
      kind: "client",
      parent: event.trace,
      attributes: {
        "http.request.method": "POST",
        ...(number > 1 ? { "http.request.resend_count": number - 1 } : {}),
        "messaging.message.id": event.id,
        "matric.webhook.id": webhookId,
        "matric.delivery.id": deliveryId,
      },
    });
    const headers: Record<string, string> = span ? { traceparent: span.context } : {};
    return {
      headers,
      end({ status, errorCode, durations }) {
        if (status !== null) span?.set({ "http.response.status_code": status });
        span?.end(errorCode ?? undefined);
        const endedAfterMs = clock.now() - event.at;
        metrics.attempt({ errorCode, durationMs: durations.total, beganAfterMs, endedAfterMs, isFirst: number === 1 });
      },
    };
  };
}
