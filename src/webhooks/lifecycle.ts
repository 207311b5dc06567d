import { type Actor, systemActor } from "../events/catalog.ts";
import { draft, type EventDraft } from "../events/log.ts";
import type { DeliveryRow } from "./delivery-store.ts";
import { attemptsMax, probeDelayMs, retryDelayMs } from "./retry.ts";
import type { Sent } from "./sending.ts";
import type { WebhookRow, WebhookState } from "./store.ts";

/** What an attempt comes to. */
export interface Outcome extends Pick<Sent, "status" | "errorCode"> {
  /** The webhook had failed, and this one event was to show whether it works again. */
  isProbe: boolean;
  /** What the receiver asked for. */
  retryAfterMs?: number | undefined;
}

/** A webhook that is to have another state, with the event that tells so if it is worth one. */
export interface Turn {
  state: WebhookState;
  event?: EventDraft;
}

/** What becomes of the delivery, and of its webhook if that changes. */
export interface Settled {
  delivery: DeliveryRow;
  turn?: Turn;
}

const noFailure = { reason: null, failed_delivery_id: null, probes: 0, probe_at: null };

/** The state after an attempt. `random` is 0 to 1. */
export function settle(webhook: WebhookRow, before: DeliveryRow, outcome: Outcome, now: number, random: number): Settled {
  const { status, errorCode, isProbe } = outcome;
  if (errorCode === null) {
    const delivery = deliver(before, status, now);
    return isProbe && webhook.status === "failed" ? { delivery, turn: activate(webhook, systemActor, now) } : { delivery };
  }
  const delivery: DeliveryRow = { ...before, attempts: before.attempts + 1, last_status: status, last_error_code: errorCode };
  if (errorCode === "gone" && webhook.status !== "disabled") {
    return { delivery: held(delivery), turn: disable(webhook, "gone", systemActor, now) };
  }
  if (webhook.status === "active") return failedAttempt(webhook, delivery, outcome, now, random);
  if (isProbe && webhook.status === "failed") return { delivery: held(delivery), turn: failedProbe(webhook, outcome, now) };
  return { delivery: held(delivery) };
}

/** The receiver took it. */
export function deliver(delivery: DeliveryRow, status: number | null, now: number): DeliveryRow {
  const attempts = delivery.attempts + 1;
  return {
    ...delivery,
    status: "delivered",
    attempts,
    next_attempt_at: null,
    last_status: status,
    last_error_code: null,
    finished_at: now,
  };
}

/** Why there is nothing to send: the event is not in the log any more, or the webhook may not have it now. */
export type Lack = "event_expired" | "not_allowed";

/** It is given up without an attempt. */
export function drop(delivery: DeliveryRow, lack: Lack, now: number): DeliveryRow {
  return { ...delivery, status: "exhausted", next_attempt_at: null, last_error_code: lack, finished_at: now };
}

/** A delivery begins again with one attempt, whose failure has no consequences for the webhook. */
export function tryOnceMore(delivery: DeliveryRow, nextAttemptAt: number | null): DeliveryRow {
  return {
    ...delivery,
    status: "pending",
    round_attempts: attemptsMax - 1,
    is_lenient: 1,
    next_attempt_at: nextAttemptAt,
    finished_at: null,
  };
}

/** From failed or disabled to active. What is held is to be released with it. */
export function activate(webhook: WebhookRow, actor: Actor, now: number): Turn {
  const name = webhook.status === "failed" ? "WebhookRecovered" : "WebhookEnabled";
  return {
    state: { ...noFailure, status: "active", status_at: now },
    event: draft(name, { webhook_id: webhook.id }, actor),
  };
}

/** To disabled. What is owed is to be held with it. */
export function disable(webhook: WebhookRow, reason: "gone" | "requested" | "revoked", actor: Actor, now: number): Turn {
  return {
    state: { ...noFailure, status: "disabled", reason, status_at: now, failed_delivery_id: webhook.failed_delivery_id },
    event: draft("WebhookDisabled", { webhook_id: webhook.id, reason }, actor),
  };
}

function failedAttempt(webhook: WebhookRow, delivery: DeliveryRow, outcome: Outcome, now: number, random: number): Settled {
  const round = delivery.round_attempts + 1;
  if (round < attemptsMax) {
    const nextAttemptAt = now + retryDelayMs(round, outcome.retryAfterMs, random);
    return { delivery: { ...delivery, round_attempts: round, next_attempt_at: nextAttemptAt } };
  }
  const exhausted: DeliveryRow = {
    ...delivery,
    status: "exhausted",
    round_attempts: round,
    next_attempt_at: null,
    finished_at: now,
  };
  return delivery.is_lenient ? { delivery: exhausted } : { delivery: exhausted, turn: fail(webhook, exhausted, now) };
}

function fail(webhook: WebhookRow, { id, event_id, attempts, last_status, last_error_code }: DeliveryRow, now: number): Turn {
  const data = {
    webhook_id: webhook.id,
    delivery_id: id,
    failed_event_id: event_id,
    attempts,
    ...(last_status === null ? {} : { last_status }),
    error_code: last_error_code ?? "",
  };
  return {
    state: {
      status: "failed",
      reason: "exhausted",
      status_at: now,
      failed_delivery_id: id,
      probes: 0,
      probe_at: now + probeDelayMs(0),
    },
    event: draft("WebhookFailed", data, systemActor),
  };
}

/** It stays failed, and rests longer. */
function failedProbe(
  { status, status_at, reason, failed_delivery_id, probes }: WebhookRow,
  { retryAfterMs = 0 }: Outcome,
  now: number,
): Turn {
  const made = probes + 1;
  const probe_at = now + Math.max(probeDelayMs(made), retryAfterMs);
  return { state: { status, status_at, reason, failed_delivery_id, probes: made, probe_at } };
}

function held(delivery: DeliveryRow): DeliveryRow {
  return { ...delivery, next_attempt_at: null };
}
