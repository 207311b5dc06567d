import type { Cancel, Clock } from "../clock.ts";
import type { DeliveryRow } from "./delivery-store.ts";
import { Pace } from "./pace.ts";
import { delayMsMax } from "./retry.ts";
import type { Slots, SlotUser } from "./slots.ts";
import type { WebhookRow } from "./store.ts";
import type { Target } from "./target.ts";

export interface LaneOptions {
  clock: Clock;
  slots: Slots;
  /** Makes one attempt; tells the lane of its end with `ended` or `skipped`, and with `recorded` when that is stored. */
  attempt: (lane: Lane, delivery: DeliveryRow, isProbe: boolean) => void;
  /** It is time to try a failed webhook with one event. */
  probe: (lane: Lane) => void;
  /** A delivery is finished: there may be room for another. */
  hasRoom: (lane: Lane) => void;
}

interface Waiting {
  delivery: DeliveryRow;
  /** On the monotonic clock. */
  dueMs: number;
}

/** Deliveries of one webhook that are made ahead of their attempts; with a thousand webhooks all that is held in memory. */
const windowMin = 128;

/** Sends to one webhook: decides which delivery is attempted when. What it knows comes from the database and is written there. */
export class Lane implements SlotUser {
  readonly id: string;
  readonly #pace: Pace;
  #webhook: WebhookRow;
  #waiting = new Map<number, Waiting>();
  /** When each attempt under way began, on the monotonic clock. */
  readonly #inFlight = new Map<number, number>();
  /** What has ended and is not stored yet; whether each is done with. */
  readonly #recording = new Map<number, boolean>();
  /** Its last attempt failed. */
  isTroubled = false;
  #cancelTimer: Cancel = () => {};
  #isStopped = false;

  constructor(
    webhook: WebhookRow,
    public target: Target,
    private readonly options: LaneOptions,
  ) {
    this.id = webhook.id;
    this.#webhook = webhook;
    this.#pace = new Pace(limitsOf(webhook));
  }

  get status(): WebhookRow["status"] {
    return this.#webhook.status;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Nothing is under way, nor being stored: what it has waits for its time. */
  isResting(): boolean {
    return this.#inFlight.size === 0 && this.#recording.size === 0;
  }

  /** Deliveries that are under way or wait. */
  size(): number {
    return this.#waiting.size + this.#inFlight.size + this.#recording.size;
  }

  /** How many deliveries it takes at most. */
  window(): number {
    return Math.max(windowMin, 2 * this.#webhook.max_concurrency);
  }

  /** Takes over what the database says now; `due` is what is to be sent, of an active webhook. */
  sync(webhook: WebhookRow, target: Target, due: readonly DeliveryRow[]): void {
    const wasActive = this.status === "active";
    this.#webhook = webhook;
    this.target = target;
    this.#pace.limits = limitsOf(webhook);
    if (!wasActive) this.#pace.beginAnew();
    this.#waiting = new Map();
    this.add(due);
  }

  /** Deliveries that are stored. */
  add(deliveries: readonly DeliveryRow[]): void {
    for (const delivery of deliveries) {
      const { row_id, next_attempt_at } = delivery;
      if (next_attempt_at === null || this.#inFlight.has(row_id) || this.#recording.has(row_id)) continue;
      this.#waiting.set(row_id, { delivery, dueMs: this.#dueMs(next_attempt_at) });
    }
    this.pump();
  }

  /** Begins whatever may begin, and sets a timer for what comes next. */
  pump(): void {
    this.#cancelTimer();
    if (this.#isStopped) return;
    if (this.status === "failed") this.#awaitProbe();
    if (this.status !== "active") return;
    const { clock, slots } = this.options;
    for (;;) {
      const nowMs = clock.monotonicMs();
      const next = this.#next(nowMs);
      if (!next) return;
      const waitMs = Math.max(next.dueMs - nowMs, this.#pace.waitMs(nowMs));
      if (waitMs > 0) {
        this.#cancelTimer = clock.after(waitMs, () => this.pump());
        return;
      }
      if (!slots.take(this)) return;
      this.begin(next.delivery, false);
    }
  }

  /** Attempts this delivery now, whatever else is under way. */
  begin(delivery: DeliveryRow, isProbe: boolean): void {
    const nowMs = this.options.clock.monotonicMs();
    this.#waiting.delete(delivery.row_id);
    this.#inFlight.set(delivery.row_id, nowMs);
    this.#pace.begin(nowMs);
    this.options.attempt(this, delivery, isProbe);
  }

  /** The attempt is over; what came of it is being stored. */
  ended({ row_id }: DeliveryRow, isSuccess: boolean): void {
    if (!this.#inFlight.delete(row_id)) return;
    this.isTroubled = !isSuccess;
    this.#pace.end(isSuccess);
    this.#goOn(row_id, isSuccess);
  }

  /** There was nothing to send: that says nothing of the receiver, and takes nothing of its rate. `recorded` follows. */
  skipped({ row_id }: DeliveryRow): void {
    const beganMs = this.#inFlight.get(row_id);
    if (beganMs === undefined) return;
    this.#inFlight.delete(row_id);
    this.#pace.takeBack(beganMs);
    this.#goOn(row_id, true);
  }

  /** The attempt is stored; `delivery` is how it left the delivery, undefined when that is not to be sent again. */
  recorded(rowId: number, delivery: DeliveryRow | undefined): void {
    this.#recording.delete(rowId);
    if (delivery && this.status === "active") this.add([delivery]);
    else this.pump();
    this.options.hasRoom(this);
  }

  /** There is nothing that a failed webhook could be tried with now. */
  probeLater(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.options.clock.after(delayMs, () => this.pump());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#waiting.clear();
  }

  #goOn(rowId: number, isDone: boolean): void {
    this.#recording.set(rowId, isDone);
    this.options.slots.give(this);
    this.pump();
  }

  /** What is to be attempted next: the oldest of what is due, else what is due first. */
  #next(nowMs: number): Waiting | undefined {
    if (this.#webhook.ordered === 1) return this.#nextInOrder();
    if (!this.#pace.hasRoom(true, this.#inFlight.size)) return undefined;
    const isRoomForNew = this.#pace.hasRoom(false, this.#inFlight.size);
    let due: Waiting | undefined;
    let later: Waiting | undefined;
    for (const one of this.#waiting.values()) {
      if (!isRoomForNew && one.delivery.round_attempts === 0) continue;
      if (one.dueMs > nowMs) {
        if (!later || one.dueMs < later.dueMs) later = one;
      } else if (!due || one.delivery.row_id < due.delivery.row_id) due = one;
    }
    return due ?? later;
  }

  /** The very first, unless one before it is not done with. */
  #nextInOrder(): Waiting | undefined {
    if (this.#inFlight.size > 0 || [...this.#recording.values()].includes(false)) return undefined;
    let first: Waiting | undefined;
    for (const one of this.#waiting.values()) if (!first || one.delivery.row_id < first.delivery.row_id) first = one;
    return first;
  }

  #awaitProbe(): void {
    const { probe_at } = this.#webhook;
    if (probe_at === null || this.#inFlight.size > 0 || this.#recording.size > 0) return;
    const waitMs = this.#dueMs(probe_at) - this.options.clock.monotonicMs();
    this.#cancelTimer = this.options.clock.after(waitMs, () => this.options.probe(this));
  }

  /** A wall clock that was set back must not put anything off for longer than it can have been meant. */
  #dueMs(at: number): number {
    const { clock } = this.options;
    return clock.monotonicMs() + Math.min(Math.max(0, at - clock.now()), delayMsMax);
  }
}

function limitsOf({ max_concurrency, rate_limit_per_second }: WebhookRow) {
  return { concurrencyMax: max_concurrency, ratePerSecond: rate_limit_per_second };
}
