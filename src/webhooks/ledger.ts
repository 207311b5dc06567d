import type { Clock } from "../clock.ts";
import type { Tx } from "../db/writer.ts";
import type { Actor } from "../events/catalog.ts";
import type { EventLog, StoredEvent } from "../events/log.ts";
import type { DeliveryRow, DeliveryStore } from "./delivery-store.ts";
import * as lifecycle from "./lifecycle.ts";
import { retryAfterMs } from "./retry.ts";
import type { Sent } from "./sending.ts";
import type { ReplayRow, WebhookRow, WebhookStore } from "./store.ts";

/** A stretch of the log that was looked at for one webhook: what of it is owed, and how far it reaches. */
export interface Plan {
  webhookId: string;
  /** Where the cursor is, and where it goes. */
  from: number;
  to: number;
  /** The events in between that are wanted, in order. */
  events: readonly StoredEvent[];
  /** The cursor is that of a replay. */
  replay?: ReplayRow;
  /** Made for a webhook that has failed, to have something to try it with. */
  isProbe?: boolean;
}

export interface Made {
  webhookId: string;
  rowId: number;
  /** Of the request, as they may be shown. */
  requestHeaders: Record<string, string>;
  sent: Sent;
  /** Wall clock at its end: what comes next is counted from then. */
  endedAt: number;
  isProbe: boolean;
}

/** What was written down of an attempt; undefined when the webhook, and with it the delivery, was removed meanwhile. */
export interface Recorded {
  delivery: DeliveryRow;
  /** Whether the webhook's own state has changed. */
  hasTurned: boolean;
}

export interface LedgerOptions {
  webhooks: WebhookStore;
  deliveries: DeliveryStore;
  log: EventLog;
  clock: Clock;
  /** 0 to 1, of the jitter. */
  random: () => number;
  /** Hears, after the commit, of each webhook that has failed. Must not throw. */
  onFailed: (webhook: WebhookRow, delivery: DeliveryRow) => void;
}

/** Writes down what happens to webhooks and their deliveries, each step with its event, inside the writer's transaction. */
export class Ledger {
  constructor(private readonly options: LedgerOptions) {}

  /**
   * Turns events into deliveries and moves the cursor, both or neither. Undefined when that cannot be: the webhook does not
   * take deliveries now, or its cursor is not where the plan begins.
   */
  plan({ webhookId, from, to, events, replay, isProbe = false }: Plan): DeliveryRow[] | undefined {
    const { webhooks, deliveries, clock } = this.options;
    if (webhooks.status(webhookId) !== (isProbe ? "failed" : "active")) return undefined;
    const hasMoved = replay ? webhooks.moveReplay({ ...replay, cursor_seq: from }, to) : webhooks.moveCursor(webhookId, from, to);
    if (!hasMoved) return undefined;
    const now = clock.now();
    return events.map((event) =>
      deliveries.insert(
        {
          webhookId,
          seq: event.seq,
          eventId: event.id,
          event: event.name,
          isLenient: isAboutItself(event, webhookId),
          nextAttemptAt: isProbe ? null : now,
        },
        now,
      ),
    );
  }

  record(tx: Tx, made: Made): Recorded | undefined {
    const { deliveries } = this.options;
    const { rowId, requestHeaders, sent } = made;
    const before = deliveries.get(rowId);
    if (!before) return undefined;
    // By far the most frequent case asks nothing of the webhook.
    const recorded =
      sent.errorCode === null && !made.isProbe
        ? { delivery: lifecycle.deliver(before, sent.status, made.endedAt), hasTurned: false }
        : this.#settle(tx, before, made);
    if (recorded) deliveries.addAttempt(rowId, recorded.delivery.attempts, sent, requestHeaders);
    if (recorded && !recorded.hasTurned) deliveries.save(recorded.delivery);
    return recorded;
  }

  /** There is nothing to send of a delivery. */
  drop(rowId: number, lack: lifecycle.Lack): void {
    const { deliveries, clock } = this.options;
    const delivery = deliveries.get(rowId);
    if (delivery) deliveries.save(lifecycle.drop(delivery, lack, clock.now()));
  }

  /** It is not owed any more, and nobody was sent it. */
  forget(rowId: number): void {
    this.options.deliveries.remove(rowId);
  }

  activate(tx: Tx, webhook: WebhookRow, actor: Actor): void {
    this.#turn(tx, webhook, lifecycle.activate(webhook, actor, this.options.clock.now()));
  }

  disable(tx: Tx, webhook: WebhookRow, reason: "requested" | "revoked", actor: Actor): void {
    this.#turn(tx, webhook, lifecycle.disable(webhook, reason, actor, this.options.clock.now()));
  }

  #settle(tx: Tx, before: DeliveryRow, { webhookId, sent, endedAt, isProbe }: Made): Recorded | undefined {
    const { webhooks, deliveries, random, onFailed } = this.options;
    const webhook = webhooks.find(webhookId);
    if (!webhook) return undefined;
    const { status, errorCode, responseHeaders } = sent;
    const outcome = { status, errorCode, isProbe, retryAfterMs: retryAfterMs(responseHeaders?.["retry-after"], endedAt) };
    const { delivery, turn } = lifecycle.settle(webhook, before, outcome, endedAt, random());
    if (!turn) return { delivery, hasTurned: false };
    // Before the turn, which holds or releases it with the others.
    deliveries.save(delivery);
    this.#turn(tx, webhook, turn);
    if (turn.state.status === "failed" && webhook.status === "active") {
      tx.afterCommit(() => onFailed({ ...webhook, ...turn.state }, delivery));
    }
    return { delivery, hasTurned: true };
  }

  #turn(tx: Tx, webhook: WebhookRow, { state, event }: lifecycle.Turn): void {
    const { webhooks, deliveries, log, clock } = this.options;
    webhooks.saveState(webhook.id, state);
    if (state.status === "active") {
      deliveries.release(webhook.id, clock.now());
      const failed = webhook.failed_delivery_id === null ? undefined : deliveries.find(webhook.failed_delivery_id, webhook.id);
      if (failed?.status === "exhausted") deliveries.save(lifecycle.tryOnceMore(failed, clock.now()));
    } else if (webhook.status === "active") {
      deliveries.hold(webhook.id);
    }
    if (event) log.append(tx, [event]);
  }
}

/** A receiver that refuses to hear of its own failure must not fail of that for ever. */
function isAboutItself({ name, text }: StoredEvent, webhookId: string): boolean {
  return name.startsWith("Webhook") && JSON.parse(text).data.webhook_id === webhookId;
}
