import type { Clock } from "../clock.ts";
import type { EventLog } from "../events/log.ts";
import type { Logger } from "../logger.ts";
import type { DeliveryRow } from "./delivery-store.ts";
import type { Lane } from "./lane.ts";
import type { Ledger, Made, Recorded } from "./ledger.ts";
import type { Lack } from "./lifecycle.ts";
import { outgoing, shownHeaders } from "./outgoing.ts";
import type { RecentEvents } from "./recent-events.ts";
import { Recorder } from "./recorder.ts";
import type { Send, WatchAttempt } from "./sending.ts";
import type { StubbornWriter } from "./stubborn-writer.ts";
import { Turns } from "./turns.ts";

const unexpectedRetryMs = 1000;

export interface CourierOptions {
  ledger: Ledger;
  writer: StubbornWriter;
  log: EventLog;
  recent: RecentEvents;
  clock: Clock;
  logger: Logger;
  send: Send;
  watchAttempt?: WatchAttempt;
  /** The state of a webhook has changed in the database, or what is known of it may be wrong. */
  sync: (webhookId: string) => void;
}

/** Makes attempts: sends one event to one webhook, and writes down what came of it. */
export class Courier {
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #turns = new Turns();
  readonly #recorder;

  constructor(private readonly options: CourierOptions) {
    this.#recorder = new Recorder(options.writer);
  }

  /** Begins an attempt; the lane hears of its end. */
  send(lane: Lane, delivery: DeliveryRow, isProbe: boolean): void {
    const begin = () => {
      const attempt = this.#attempt(lane, delivery, isProbe)
        .catch((error) => this.#failed(lane, delivery, error))
        .finally(() => this.#underWay.delete(attempt));
      this.#underWay.add(attempt);
    };
    this.#turns.run(begin, { mayBeLast: lane.isTroubled });
  }

  /** Waits up to `graceMs` for what is under way; the rest is cut off, and counts for nothing. */
  async stop(graceMs: number): Promise<void> {
    this.#turns.stop();
    await Promise.race([
      Promise.all(this.#underWay),
      new Promise<void>((resolve) => {
        this.options.clock.after(graceMs, resolve);
      }),
    ]);
    this.#abort.abort();
    await Promise.all(this.#underWay);
  }

  async #attempt(lane: Lane, delivery: DeliveryRow, isProbe: boolean): Promise<void> {
    const { ledger, log, recent, clock, send, watchAttempt } = this.options;
    const event = recent.get(delivery.seq) ?? log.get(delivery.seq);
    if (!event) return this.#drop(lane, delivery, "event_expired");
    const { target } = lane;
    // It was made into a delivery when the webhook still had more rights, or wanted more.
    if (!target.mayHave(event.name)) return this.#drop(lane, delivery, "not_allowed");
    if (delivery.attempts === 0 && !target.wants(event)) return this.#end(lane, delivery, () => ledger.forget(delivery.row_id));
    const nowMs = clock.now();
    const { id: deliveryId, attempts } = delivery;
    const watched = watchAttempt?.({ webhookId: lane.id, deliveryId, event, number: attempts + 1 });
    const message = { deliveryId, event: delivery.event, text: event.text, headers: watched?.headers ?? {} };
    const request = outgoing(target, message, nowMs);
    const sent = await send(request, this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    watched?.end(sent);
    lane.ended(delivery, sent.errorCode === null);
    const requestHeaders = shownHeaders(request, target);
    const made = { webhookId: lane.id, rowId: delivery.row_id, requestHeaders, sent, endedAt: clock.now(), isProbe };
    await this.#record(lane, delivery, made);
  }

  async #record(lane: Lane, delivery: DeliveryRow, made: Made): Promise<void> {
    const { ledger, sync } = this.options;
    let recorded: Recorded | undefined;
    const isStored = await this.#recorder.write((tx) => {
      recorded = ledger.record(tx, made);
      tx.afterCommit(() => {
        if (recorded?.hasTurned) sync(lane.id);
        lane.recorded(delivery.row_id, recorded?.hasTurned ? undefined : recorded?.delivery);
      });
    });
    if (!isStored) this.#giveUp(lane, delivery);
    const { status, errorCode } = made.sent;
    if (errorCode === null) return;
    this.options.logger.info("a webhook did not take an event", {
      webhook_id: lane.id,
      delivery_id: delivery.id,
      attempt: recorded?.delivery.attempts,
      status,
      "error.code": errorCode,
    });
  }

  async #drop(lane: Lane, delivery: DeliveryRow, lack: Lack): Promise<void> {
    const { ledger, logger } = this.options;
    logger.warn("an event is not sent to a webhook any more", {
      "error.code": lack,
      webhook_id: lane.id,
      delivery_id: delivery.id,
      event_id: delivery.event_id,
    });
    await this.#end(lane, delivery, () => ledger.drop(delivery.row_id, lack));
  }

  /** It is done with without an attempt. */
  async #end(lane: Lane, delivery: DeliveryRow, change: () => void): Promise<void> {
    lane.skipped(delivery);
    const isStored = await this.#recorder.write((tx) => {
      change();
      tx.afterCommit(() => lane.recorded(delivery.row_id, undefined));
    });
    if (!isStored) this.#giveUp(lane, delivery);
  }

  /** A mistake of ours, or a database that cannot be read: try again, but not in a tight loop. */
  #failed(lane: Lane, delivery: DeliveryRow, error: unknown): void {
    const { clock, logger } = this.options;
    logger.error("an attempt failed unexpectedly", { webhook_id: lane.id, delivery_id: delivery.id, error: String(error) });
    clock.after(unexpectedRetryMs, () => {
      lane.ended(delivery, false);
      this.#giveUp(lane, delivery);
    });
  }

  /** What came of an attempt could not be stored: go by what the database says. */
  #giveUp(lane: Lane, delivery: DeliveryRow): void {
    lane.recorded(delivery.row_id, undefined);
    this.options.sync(lane.id);
  }
}
