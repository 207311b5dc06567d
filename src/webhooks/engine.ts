import { type Clock, timestamp } from "../clock.ts";
import type { Db } from "../db/open.ts";
import type { Tx, Writer } from "../db/writer.ts";
import { MatricError, notFound } from "../errors.ts";
import { type Actor, systemActor } from "../events/catalog.ts";
import type { Family } from "../events/families.ts";
import { createFilter } from "../events/filter.ts";
import type { EventLog } from "../events/log.ts";
import { idCursor } from "../id-cursor.ts";
import type { Logger } from "../logger.ts";
import type {
  CreatedWebhook,
  CreateWebhook,
  RotatedSecret,
  RotateSecret,
  UpdateWebhook,
  Webhook,
  WebhookPage,
  WebhookStatus,
} from "./contract.ts";
import { acceptHeaders } from "./custom-headers.ts";
import { DeliveryDesk } from "./delivery-desk.ts";
import { DeliveryStore } from "./delivery-store.ts";
import type { Destinations } from "./destinations.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Ledger } from "./ledger.ts";
import { acceptSecret, createSecret } from "./secret.ts";
import type { Send, WatchAttempt } from "./sending.ts";
import { type WebhookRow, WebhookStore } from "./store.ts";
import { Target } from "./target.ts";
import { webhookOf } from "./wire.ts";

export interface WebhooksOptions {
  db: Db;
  writer: Writer;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  destinations: Destinations;
  send: Send;
  watchAttempt?: WatchAttempt;
  /** Tells the administrator of a webhook that has failed. Must not throw. */
  onFailed: ConstructorParameters<typeof Ledger>[0]["onFailed"];
  /** Webhooks that can be registered. */
  webhooksMax: number;
  /** Requests under way to all webhooks, besides the first of each. */
  requestsMax: number;
  /** Of the jitter: 0 to 1. */
  random?: () => number;
}

/** What somebody who makes or changes a webhook may read. */
export interface Rights {
  /** The token's id; null where nobody signs in. */
  readonly id: string | null;
  /** Families of events that it may not read; undefined when it may read all. */
  readonly hidden: readonly Family[] | undefined;
}

const allRights: Rights = { id: null, hidden: undefined };

const overlapSecondsDefault = 86_400;
const maxConcurrencyDefault = 10;

/** Webhooks as their users see them, and what brings them their events. Changes resolve once they are durable. */
export class Webhooks {
  readonly deliveries: DeliveryDesk;
  readonly #options: WebhooksOptions;
  readonly #store: WebhookStore;
  readonly #deliveryStore: DeliveryStore;
  readonly #ledger: Ledger;
  readonly #dispatcher: Dispatcher;

  constructor(options: WebhooksOptions) {
    const { db, random = Math.random } = options;
    const webhooks = new WebhookStore(db);
    const deliveries = new DeliveryStore(db);
    this.#options = options;
    this.#store = webhooks;
    this.#deliveryStore = deliveries;
    this.#ledger = new Ledger({ ...options, webhooks, deliveries, random });
    this.#dispatcher = new Dispatcher({ ...options, webhooks, deliveries, ledger: this.#ledger });
    this.deliveries = new DeliveryDesk({ ...options, webhooks, deliveries, dispatcher: this.#dispatcher });
  }

  start(): void {
    this.#dispatcher.start();
  }

  /** Begins no more requests and waits up to `graceMs` for those under way. Calling it again waits for the same end. */
  stop(grace: { graceMs: number }): Promise<void> {
    return this.#dispatcher.stop(grace);
  }

  /** The first event of the log that a webhook still needs, unless it is disabled. Undefined when none is needed. */
  neededFrom(): number | undefined {
    return this.#store.neededFrom();
  }

  /** For those who watch the server: how many there are of each status, what is owed, and how far the slowest is behind. */
  totals(): { byStatus: Record<WebhookStatus, number>; pending: number; lagEventsMax: number } {
    const head = this.#options.log.head();
    const byStatus = { active: 0, failed: 0, disabled: 0 };
    let lagEventsMax = 0;
    for (const { id, status, cursor_seq } of this.#store.all()) {
      byStatus[status]++;
      if (status !== "active") continue;
      lagEventsMax = Math.max(lagEventsMax, head - (this.#dispatcher.position(id) ?? cursor_seq));
    }
    return { byStatus, pending: this.#deliveryStore.countAllPending(), lagEventsMax };
  }

  /** Registers a webhook for what happens from now on, with the rights of whoever does. Rejects with `invalid`, or `rate_limited` when there are too many. */
  async create(input: CreateWebhook, by: Rights = allRights): Promise<CreatedWebhook> {
    const { clock, log, writer, destinations, webhooksMax } = this.#options;
    const secret = input.secret === undefined ? createSecret() : acceptSecret(input.secret);
    const { events, topics } = createFilter(input);
    const headers = acceptHeaders(input.headers ?? {});
    const url = await destinations.accept(input.url);
    return writer.write((tx) => {
      if (this.#store.count() >= webhooksMax) {
        throw new MatricError("rate_limited", `There are ${webhooksMax} webhooks, more are not taken; remove one first.`, {
          retry_after_seconds: 60,
          limit: "webhooks",
        });
      }
      const now = clock.now();
      const row: WebhookRow = {
        id: Bun.randomUUIDv7(),
        url,
        events: JSON.stringify(events),
        topics: JSON.stringify(topics),
        description: input.description ?? "",
        headers: JSON.stringify(headers),
        format: input.format ?? "matric",
        ordered: input.ordered ? 1 : 0,
        max_concurrency: input.max_concurrency ?? maxConcurrencyDefault,
        rate_limit_per_second: input.rate_limit_per_second ?? null,
        status: "active",
        reason: null,
        status_at: now,
        cursor_seq: log.head(),
        failed_delivery_id: null,
        probes: 0,
        probe_at: null,
        created_at: now,
        updated_at: now,
        token_id: by.id,
        hidden: JSON.stringify(by.hidden ?? []),
      };
      this.#store.insert(row);
      this.#store.addSecret(row.id, secret, now, now);
      this.#syncAfter(tx, row.id);
      return { ...this.#wire(row), secret };
    });
  }

  get(id: string): Webhook {
    return this.#wire(this.#require(id));
  }

  /** The oldest first. Throws `invalid` for a cursor that is none. */
  list({ limit, cursor }: { limit: number; cursor?: string | undefined }): WebhookPage {
    const rows = this.#store.page(cursor === undefined ? "" : idCursor(cursor), limit + 1);
    const items = rows.slice(0, limit).map((row) => this.#wire(row));
    return { items, next_cursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  /**
   * Changes what `patch` names, from the next attempt on: what was owed and never tried is forgotten if it is not wanted now. It may
   * read no more than those who changed it.
   * Rejects with `invalid`.
   */
  async update(id: string, patch: UpdateWebhook, by: Rights = allRights): Promise<Webhook> {
    const { clock, writer, destinations } = this.#options;
    this.#require(id);
    const url = patch.url === undefined ? undefined : await destinations.accept(patch.url);
    return writer.write((tx) => {
      const before = this.#require(id);
      const known = createFilter({
        events: patch.events ?? JSON.parse(before.events),
        topics: patch.topics ?? JSON.parse(before.topics),
      });
      const headers =
        patch.headers === undefined ? before.headers : JSON.stringify(acceptHeaders(patch.headers, JSON.parse(before.headers)));
      const row: WebhookRow = {
        ...before,
        url: url ?? before.url,
        events: JSON.stringify(known.events),
        topics: JSON.stringify(known.topics),
        headers,
        description: patch.description ?? before.description,
        format: patch.format ?? before.format,
        ordered: patch.ordered === undefined ? before.ordered : patch.ordered ? 1 : 0,
        max_concurrency: patch.max_concurrency ?? before.max_concurrency,
        rate_limit_per_second:
          patch.rate_limit_per_second === undefined ? before.rate_limit_per_second : patch.rate_limit_per_second,
        updated_at: clock.now(),
        // Whoever turns it to another URL must not get there what only its maker may read.
        hidden: narrowed(before, by),
      };
      this.#store.configure(row);
      this.#syncAfter(tx, id);
      return this.#wire(row);
    });
  }

  /** What it has not been sent is forgotten. */
  async remove(id: string): Promise<void> {
    await this.#options.writer.write((tx) => {
      this.#require(id);
      this.#store.remove(id);
      this.#deliveryStore.removePending(id);
      this.#syncAfter(tx, id);
    });
  }

  /**
   * Makes it active: what was held follows. Nothing happens to one that is. One whose maker's token was revoked is from now on that
   * of whoever enables it.
   */
  enable(id: string, actor: Actor, by: Rights = allRights): Promise<Webhook> {
    return this.#turn(id, (tx, row) => {
      if (row.reason === "revoked") this.#store.configure({ ...row, token_id: by.id, hidden: narrowed(row, by) });
      if (row.status !== "active") this.#ledger.activate(tx, row, actor);
    });
  }

  /** From now on events are held in the log, for as long as that keeps them. */
  disable(id: string, actor: Actor): Promise<Webhook> {
    return this.#turn(id, (tx, row) => {
      if (row.status !== "disabled") this.#ledger.disable(tx, row, "requested", actor);
    });
  }

  /** The token that made these was revoked: what it could read they must not be sent any more. */
  disableOf(tx: Tx, tokenId: string): void {
    for (const row of this.#store.ofToken(tokenId)) {
      // One that is disabled already must not be enabled again with the rights that it had.
      if (row.status === "disabled") this.#store.saveState(row.id, { ...row, reason: "revoked" });
      else this.#ledger.disable(tx, row, "revoked", systemActor);
      this.#syncAfter(tx, row.id);
    }
  }

  /** Signs with a new secret from now on, and for a while with the one before it, too. */
  async rotateSecret(id: string, { secret, overlap_seconds = overlapSecondsDefault }: RotateSecret): Promise<RotatedSecret> {
    const next = secret === undefined ? createSecret() : acceptSecret(secret);
    return this.#options.writer.write((tx) => {
      this.#require(id);
      this.#syncAfter(tx, id);
      const now = this.#options.clock.now();
      const previousExpiresAt = now + overlap_seconds * 1000;
      this.#store.addSecret(id, next, now, previousExpiresAt);
      return { id, secret: next, previous_expires_at: timestamp(previousExpiresAt) };
    });
  }

  #turn(id: string, change: (tx: Tx, row: WebhookRow) => void): Promise<Webhook> {
    return this.#options.writer.write((tx) => {
      change(tx, this.#require(id));
      this.#syncAfter(tx, id);
      return this.#wire(this.#require(id));
    });
  }

  #syncAfter(tx: Tx, id: string): void {
    tx.afterCommit(() => this.#dispatcher.sync(id));
  }

  #require(id: string): WebhookRow {
    const row = this.#store.find(id);
    if (!row) throw notFound("webhook", id);
    return row;
  }

  #wire(row: WebhookRow): Webhook {
    const { log, clock } = this.#options;
    const position = this.#dispatcher.position(row.id) ?? row.cursor_seq;
    return webhookOf(row, {
      pending: this.#deliveryStore.countPending(row.id),
      cursor: log.idOf(position),
      lag: Math.max(0, log.head() - position),
      secrets: new Target(row, this.#store.secrets(row.id)).secrets(clock.now()).length,
    });
  }
}

/** What only its maker may read, whoever changes a webhook must not get. */
function narrowed({ hidden }: WebhookRow, by: Rights): string {
  return JSON.stringify([...new Set([...JSON.parse(hidden), ...(by.hidden ?? [])])]);
}
