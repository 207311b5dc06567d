import { type Cancel, type Clock, every } from "../clock.ts";
import type { Writer } from "../db/writer.ts";
import type { EventLog, StoredEvent } from "../events/log.ts";
import type { Logger } from "../logger.ts";
import { Courier } from "./courier.ts";
import type { DeliveryRow, DeliveryStore } from "./delivery-store.ts";
import { Feed } from "./feed.ts";
import { Intake } from "./intake.ts";
import { Lane } from "./lane.ts";
import type { Ledger, Plan } from "./ledger.ts";
import { chooseProbe } from "./probe.ts";
import { RecentEvents } from "./recent-events.ts";
import type { Send, WatchAttempt } from "./sending.ts";
import { Slots } from "./slots.ts";
import type { WebhookRow, WebhookStore } from "./store.ts";
import { StubbornWriter } from "./stubborn-writer.ts";
import { Target } from "./target.ts";

/** How often the cursors of webhooks that nothing was for are stored: what they skip is looked at again after a crash. */
const idleCursorsMs = 2000;
/** A failed webhook for which there is nothing that could be sent. */
const nothingToProbeMs = 60_000;

export interface DispatcherOptions {
  webhooks: WebhookStore;
  deliveries: DeliveryStore;
  ledger: Ledger;
  writer: Writer;
  log: EventLog;
  clock: Clock;
  logger: Logger;
  send: Send;
  watchAttempt?: WatchAttempt;
  /** Requests under way to all webhooks, besides the first of each. */
  requestsMax: number;
}

/** What is known of one webhook while the server runs. */
interface Running {
  lane: Lane;
  intake: Intake;
  isProbing: boolean;
}

/**
 * Brings the events of the log to the webhooks that want them. All that matters is in the database: what is kept here is made
 * from it at the start, and again (`sync`) after each change that was not made here.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #running = new Map<string, Running>();
  readonly #feed: Feed;
  readonly #recent = new RecentEvents();
  readonly #slots: Slots;
  readonly #writer: StubbornWriter;
  readonly #courier: Courier;
  #cancelIdle: Cancel = () => {};
  #isStopping = false;
  #stopped: Promise<void> | undefined;

  constructor(options: DispatcherOptions) {
    const { log, clock, logger } = options;
    this.#options = options;
    this.#slots = new Slots(options.requestsMax);
    this.#writer = new StubbornWriter(options.writer, clock, logger);
    this.#courier = new Courier({ ...options, recent: this.#recent, writer: this.#writer, sync: (id) => this.sync(id) });
    this.#feed = new Feed({ log, logger, plan: (intake, plan) => this.#plan(intake, plan) });
  }

  /** Goes on where the last server stopped. */
  start(): void {
    for (const { id } of this.#options.webhooks.all()) this.sync(id);
    this.#cancelIdle = every(this.#options.clock, idleCursorsMs, () => this.#storeIdleCursors());
  }

  /**
   * Begins nothing more and waits up to `graceMs` for the requests that are under way; those that are cut off are made again by
   * the next server. Calling it again waits for the same end.
   */
  stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#cancelIdle();
    this.#feed.stop();
    for (const { lane } of this.#running.values()) lane.stop();
    await this.#courier.stop(graceMs);
    this.#writer.stop();
    await this.#storeIdleCursors();
  }

  /** Takes over what the database says of a webhook: a new one, a changed one, one that is gone. */
  sync(id: string): void {
    if (this.#isStopping) return;
    const { webhooks, deliveries } = this.#options;
    const webhook = webhooks.find(id);
    const known = this.#running.get(id);
    if (known) this.#feed.leave(known.intake);
    if (!webhook) {
      known?.lane.stop();
      this.#running.delete(id);
      return;
    }
    const target = new Target(webhook, webhooks.secrets(id));
    const { lane, intake } = known ?? this.#create(webhook, target);
    intake.sync(webhook, webhooks.replays(id));
    lane.sync(webhook, target, webhook.status === "active" ? deliveries.due(id) : []);
    this.#feed.want(intake);
  }

  /** Up to here the log has been looked at for a webhook. */
  position(id: string): number | undefined {
    const running = this.#running.get(id);
    return running && this.#feed.position(running.intake);
  }

  /** Tries a failed webhook with this delivery, at once. False when another try is under way. */
  probeNow(id: string, delivery: DeliveryRow): boolean {
    const running = this.#running.get(id);
    if (!running || running.isProbing || running.lane.inFlight > 0 || this.#isStopping) return false;
    running.lane.begin(delivery, true);
    return true;
  }

  #create(webhook: WebhookRow, target: Target): Running {
    const lane = new Lane(webhook, target, {
      clock: this.#options.clock,
      slots: this.#slots,
      attempt: (of, delivery, isProbe) => this.#courier.send(of, delivery, isProbe),
      probe: () => this.#probe(running),
      // A few at a time, since each look into the log costs the same; but nobody waits for retries that are far away.
      hasRoom: () => {
        if (intake.room() >= lane.window() / 4 || lane.isResting()) this.#feed.want(intake);
      },
    });
    const intake = new Intake(lane);
    const running = { lane, intake, isProbing: false };
    this.#running.set(webhook.id, running);
    return running;
  }

  async #plan(intake: Intake, plan: Plan): Promise<void> {
    for (const event of plan.events) this.#recent.add(event);
    let rows: DeliveryRow[] | undefined;
    const planned = () => {
      intake.planning -= plan.events.length;
      if (rows) intake.lane.add(rows);
      // It was changed meanwhile, or the database is not to be written to.
      else this.sync(plan.webhookId);
    };
    const isStored = await this.#writer.write((tx) => {
      rows = this.#options.ledger.plan(plan);
      tx.afterCommit(planned);
    });
    if (isStored) return;
    rows = undefined;
    planned();
  }

  async #probe(running: Running): Promise<void> {
    const { lane } = running;
    const webhook = this.#options.webhooks.find(lane.id);
    if (webhook?.status !== "failed" || running.isProbing) return;
    running.isProbing = true;
    const plan = (event: StoredEvent) => this.#planProbe(running.intake, event);
    const delivery = await chooseProbe(webhook, { ...this.#options, plan });
    running.isProbing = false;
    if (lane.status !== "failed" || lane.inFlight > 0 || this.#isStopping) return;
    if (delivery) lane.begin(delivery, true);
    else lane.probeLater(nothingToProbeMs);
  }

  async #planProbe(intake: Intake, event: StoredEvent): Promise<DeliveryRow | undefined> {
    const plan = { webhookId: intake.lane.id, from: intake.cursor, to: event.seq, events: [event], isProbe: true };
    let rows: DeliveryRow[] | undefined;
    await this.#writer.write(() => {
      rows = this.#options.ledger.plan(plan);
    });
    if (rows) {
      intake.cursor = event.seq;
      intake.position = event.seq;
    }
    return rows?.[0];
  }

  async #storeIdleCursors(): Promise<void> {
    const idle = [...this.#running.values()].flatMap(({ intake }) => {
      const to = this.#feed.idlePosition(intake);
      if (to === undefined || to === intake.cursor) return [];
      const move = { id: intake.lane.id, from: intake.cursor, to };
      intake.cursor = to;
      return [move];
    });
    if (idle.length === 0) return;
    const { webhooks } = this.#options;
    let stale: string[] = [];
    const isStored = await this.#writer.write(() => {
      stale = idle.filter(({ id, from, to }) => !webhooks.moveCursor(id, from, to)).map(({ id }) => id);
    });
    for (const id of isStored ? stale : idle.map(({ id }) => id)) this.sync(id);
  }
}
