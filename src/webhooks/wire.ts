import { timestamp } from "../clock.ts";
import type { Attempt, Delivery, Webhook } from "./contract.ts";
import { maskHeaders } from "./custom-headers.ts";
import type { AttemptRow, DeliveryRow } from "./delivery-store.ts";
import type { WebhookRow } from "./store.ts";

/** What an answer tells that is not in the webhook's own row. */
export interface WebhookFigures {
  pending: number;
  cursor: string;
  lag: number;
  secrets: number;
}

export function webhookOf(row: WebhookRow, figures: WebhookFigures): Webhook {
  const events: string[] = JSON.parse(row.events);
  return {
    id: row.id,
    url: row.url,
    events: events.length === 0 ? ["*"] : events,
    topics: JSON.parse(row.topics),
    description: row.description,
    headers: maskHeaders(JSON.parse(row.headers)),
    format: row.format,
    ordered: row.ordered === 1,
    max_concurrency: row.max_concurrency,
    rate_limit_per_second: row.rate_limit_per_second,
    status: row.status,
    reason: row.reason,
    status_at: timestamp(row.status_at),
    next_probe_at: nullableTime(row.probe_at),
    failed_delivery_id: row.failed_delivery_id,
    pending: figures.pending,
    cursor: figures.cursor,
    lag: figures.lag,
    secrets: figures.secrets,
    created_at: timestamp(row.created_at),
    updated_at: timestamp(row.updated_at),
  };
}

export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    webhook_id: row.webhook_id,
    event_id: row.event_id,
    event: row.event,
    status: row.status,
    attempts: row.attempts,
    next_attempt_at: nullableTime(row.next_attempt_at),
    last_status: row.last_status,
    last_error_code: row.last_error_code,
    created_at: timestamp(row.created_at),
    finished_at: nullableTime(row.finished_at),
  };
}

export function attemptOf(row: AttemptRow, number: number): Attempt {
  return {
    number,
    at: timestamp(row.at),
    status: row.status,
    error_code: row.errorCode,
    error: row.error,
    duration_ms: row.durations,
    request_headers: row.requestHeaders,
    response_headers: row.responseHeaders,
    response_body: row.responseBody,
  };
}

function nullableTime(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms);
}
