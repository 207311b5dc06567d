import { type Clock, timestamp } from "../clock.ts";
import type { Writer } from "../db/writer.ts";
import { invalid, MatricError, notFound } from "../errors.ts";
import type { Actor } from "../events/catalog.ts";
import { matches } from "../events/filter.ts";
import type { EventLog } from "../events/log.ts";
import { positionSince } from "../events/since.ts";
import type { Delivery, DeliveryDetail, DeliveryFilter, DeliveryPage, Replay, ReplayEvents, TestedWebhook } from "./contract.ts";
import type { DeliveryRow, DeliveryStore } from "./delivery-store.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { tryOnceMore } from "./lifecycle.ts";
import { outgoing, shownHeaders } from "./outgoing.ts";
import type { Send } from "./sending.ts";
import type { WebhookRow, WebhookStore } from "./store.ts";
import { filterOf, Target } from "./target.ts";
import { attemptOf, deliveryOf } from "./wire.ts";

/** Rows looked at in one turn of the event loop. */
const countStep = 2000;
/** Replays of one webhook that are not done. */
const replaysMax = 100;

export interface DeliveryDeskOptions {
  webhooks: WebhookStore;
  deliveries: DeliveryStore;
  dispatcher: Dispatcher;
  writer: Writer;
  log: EventLog;
  clock: Clock;
  send: Send;
}

/** What was sent, for those who want to see it, and to have it sent again. */
export class DeliveryDesk {
  constructor(private readonly options: DeliveryDeskOptions) {}

  /** The newest first. */
  list(
    webhookId: string,
    { status, limit, cursor }: DeliveryFilter & { limit: number; cursor?: string | undefined },
  ): DeliveryPage {
    this.#webhook(webhookId);
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) {
      throw invalid("cursor", "cursor must be the next_cursor of the page before, from the same list.");
    }
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor);
    const rows = this.options.deliveries.page(webhookId, status, before, limit + 1);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items: items.map(deliveryOf), next_cursor: rows.length > limit && last ? String(last.row_id) : null };
  }

  get(webhookId: string, id: string): DeliveryDetail {
    const row = this.#delivery(webhookId, id);
    const attempts = this.options.deliveries.attempts(row.row_id);
    return { ...deliveryOf(row), attempt_log: attempts.map(({ number, ...attempt }) => attemptOf(attempt, number)) };
  }

  /**
   * Sends it once more, now: one that waits for a retry does not wait, one that is finished gets one more attempt. Rejects with
   * `conflict` when its event is not in the log any more, when the webhook is disabled or being tried, and when the delivery is about
   * to be forgotten: it was never tried, and the webhook is not to be sent its event now.
   */
  retry(webhookId: string, id: string): Promise<Delivery> {
    const { deliveries, dispatcher, log, clock, writer } = this.options;
    return writer.write((tx) => {
      const webhook = this.#webhook(webhookId);
      const before = this.#delivery(webhookId, id);
      const event = log.get(before.seq);
      if (!event) throw new MatricError("conflict", `The event ${before.event_id} is not in the log any more.`);
      if (webhook.status === "disabled") throw new MatricError("conflict", "The webhook is disabled; enable it first.");
      if (before.attempts === 0 && !matches(filterOf(webhook), event)) {
        const message = `The webhook is not sent ${event.name} any more: its filter, or what it may read, has changed since.`;
        throw new MatricError("conflict", message);
      }
      if (webhook.status === "failed") {
        if (!dispatcher.probeNow(webhookId, before)) throw new MatricError("conflict", "The webhook is being tried just now.");
        return deliveryOf(before);
      }
      const now = clock.now();
      const after: DeliveryRow = before.status === "pending" ? { ...before, next_attempt_at: now } : tryOnceMore(before, now);
      deliveries.save(after);
      tx.afterCommit(() => dispatcher.sync(webhookId));
      return deliveryOf(after);
    });
  }

  /**
   * Sends a span of the log again, or only what was given up in it. Resolves to how much that is, before it is sent. Rejects with
   * `conflict` when too many are under way.
   */
  async replay(webhookId: string, { since, until, only_failed = false, dry_run = false }: ReplayEvents): Promise<Replay> {
    const { deliveries, dispatcher, log, clock, writer } = this.options;
    const webhook = this.#webhook(webhookId);
    const from = positionSince(log, since, clock.now()).seq;
    const to = Math.max(from, until === undefined ? log.head() : positionSince(log, until, clock.now(), "until").seq);
    const events = only_failed ? deliveries.countExhausted(webhookId, from, to) : await this.#count(webhook, from, to);
    if (!dry_run && events > 0) {
      await writer.write((tx) => {
        const { status } = this.#webhook(webhookId);
        if (only_failed) deliveries.reviveExhausted(webhookId, from, to, status === "active" ? clock.now() : null);
        else this.#addReplay(webhookId, from, to);
        tx.afterCommit(() => dispatcher.sync(webhookId));
      });
    }
    return { webhook_id: webhookId, events, from: log.idOf(from), to: log.idOf(to), dry_run };
  }

  /** Sends an event that is not in the log, at once and whatever the webhook's status, and tells what came of it. */
  async test(webhookId: string, actor: Actor): Promise<TestedWebhook> {
    const { webhooks, clock, send } = this.options;
    const webhook = this.#webhook(webhookId);
    const nowMs = clock.now();
    const id = `test-${Bun.randomUUIDv7()}`;
    const event = "WebhookTest";
    const data = { webhook_id: webhookId };
    const text = JSON.stringify({ id, event, time: timestamp(nowMs), subject: `webhook:${webhookId}`, actor, data });
    const target = new Target(webhook, webhooks.secrets(webhookId));
    const request = outgoing(target, { deliveryId: id, event, text }, nowMs);
    const sent = await send(request, new AbortController().signal);
    const attempt = attemptOf({ ...sent, requestHeaders: shownHeaders(request, target) }, 1);
    return { delivered: sent.errorCode === null, webhook_id: webhookId, attempt };
  }

  #addReplay(webhookId: string, from: number, to: number): void {
    const { webhooks } = this.options;
    if (webhooks.replays(webhookId).length >= replaysMax) {
      throw new MatricError("conflict", `There are ${replaysMax} replays that are not done, more are not taken.`);
    }
    webhooks.addReplay(webhookId, from, to);
  }

  async #count(webhook: WebhookRow, from: number, to: number): Promise<number> {
    const filter = filterOf(webhook);
    let count = 0;
    for (let position = from; position < to; ) {
      const page = this.options.log.readAfter(position, countStep);
      count += page.filter((event) => event.seq <= to && matches(filter, event)).length;
      position = page.at(-1)?.seq ?? to;
      await new Promise((resume) => setImmediate(resume));
    }
    return count;
  }

  #webhook(id: string): WebhookRow {
    const row = this.options.webhooks.find(id);
    if (!row) throw notFound("webhook", id);
    return row;
  }

  #delivery(webhookId: string, id: string): DeliveryRow {
    this.#webhook(webhookId);
    const row = this.options.deliveries.find(id, webhookId);
    if (!row) throw notFound("delivery", id);
    return row;
  }
}
