import { matches } from "../events/filter.ts";
import { FilterIndex } from "../events/filter-index.ts";
import type { EventLog, StoredEvent } from "../events/log.ts";
import type { Logger } from "../logger.ts";
import type { Intake } from "./intake.ts";
import type { Plan } from "./ledger.ts";

/** Read for one webhook in one step: much where little is wanted. */
const pageEventsMin = 16;
const pageEventsMax = 512;
const pageCharsMax = 256 * 1024;
/** Steps for several webhooks share a turn of the event loop for so long. */
const turnMsMax = 2;
/** Webhooks whose deliveries share a transaction, while there are more that want an event. */
const plansPerTurnMax = 64;
/** After so many events that were not wanted the cursor is stored all the same. */
const strideMax = 5000;

export interface FeedOptions {
  log: EventLog;
  logger: Logger;
  /** Has the plan written; `intake.planning` is the caller's to lower when it is. */
  plan: (intake: Intake, plan: Plan) => void;
}

/**
 * Reads the log for all webhooks. Those at its head are found through an index by what they want, so that an event costs the
 * same however many do not want it; one whose window is full, or that is behind, reads pages at its own pace.
 */
export class Feed {
  readonly #live = new FilterIndex<Intake>();
  readonly #behind = new Set<Intake>();
  /** At the head, with events to be planned. */
  readonly #wanting = new Set<Intake>();
  /** Up to here those at the head have been offered the log. */
  #seen: number;
  #scheduled: ReturnType<typeof setImmediate> | undefined;
  #scheduledPlans: ReturnType<typeof setImmediate> | undefined;
  #isStopped = false;

  constructor(private readonly options: FeedOptions) {
    this.#seen = options.log.head();
    options.log.onAppend((events) => this.#offer(events));
  }

  /** Up to here the log has been looked at for this webhook. */
  position(intake: Intake): number {
    return intake.isLive ? this.#seen : intake.position;
  }

  /** Where the database may have the cursor of one that is at the head and has nothing under way; undefined for others. */
  idlePosition({ isLive, fresh, planning }: Intake): number | undefined {
    return isLive && fresh.length === 0 && planning === 0 ? this.#seen : undefined;
  }

  /** Reads on, if it is behind. */
  want(intake: Intake): void {
    if (this.#isStopped || intake.lane.status !== "active" || (intake.isLive && intake.replays.length === 0)) return;
    this.#behind.add(intake);
    this.#scheduled ??= setImmediate(() => this.#turn());
  }

  /** Nothing more is read for it until `want`. To be called before its filters change. */
  leave(intake: Intake): void {
    if (intake.isLive) this.#live.remove(intake);
    intake.isLive = false;
    this.#behind.delete(intake);
    this.#wanting.delete(intake);
  }

  stop(): void {
    this.#isStopped = true;
    clearImmediate(this.#scheduled);
    clearImmediate(this.#scheduledPlans);
  }

  #offer(events: readonly StoredEvent[]): void {
    for (const event of events) {
      this.#live.visit(event, this.#offerTo);
      this.#seen = event.seq;
    }
    if (!this.#scheduledPlans) this.#planSome();
  }

  readonly #offerTo = (intake: Intake, event: StoredEvent): void => {
    if (intake.fresh.at(-1) === event || !intake.filters.some((filter) => matches(filter, event))) return;
    if (intake.room() > 0) {
      intake.fresh.push(event);
      this.#wanting.add(intake);
    } else this.#fallBehind(intake, event.seq - 1);
  };

  /** Those that take what they are sent go first. */
  #planSome(): void {
    this.#scheduledPlans = undefined;
    const inTurn = [...this.#wanting].sort((a, b) => Number(a.lane.isTroubled) - Number(b.lane.isTroubled));
    for (const intake of inTurn.slice(0, plansPerTurnMax)) {
      this.#wanting.delete(intake);
      this.#plan(intake, this.position(intake));
    }
    if (this.#wanting.size > 0) this.#scheduledPlans = setImmediate(() => this.#planSome());
  }

  #fallBehind(intake: Intake, position: number): void {
    if (intake.fresh.length > 0) this.#plan(intake, position);
    this.leave(intake);
    intake.position = position;
    this.want(intake);
  }

  #turn(): void {
    this.#scheduled = undefined;
    const endMs = performance.now() + turnMsMax;
    // Who is not done goes to the end of the set, so that everybody has a turn.
    for (const intake of this.#behind) {
      this.#behind.delete(intake);
      if (this.#step(intake)) this.#behind.add(intake);
      if (performance.now() >= endMs) break;
    }
    if (this.#behind.size > 0 && !this.#isStopped) this.#scheduled = setImmediate(() => this.#turn());
  }

  /** Reads one page; whether there is more to do now. */
  #step(intake: Intake): boolean {
    const isReplaying = this.#replayStep(intake);
    if (intake.isLive) return isReplaying;
    const room = intake.room();
    if (room <= 0) return isReplaying;
    this.#skipRemoved(intake);
    const page = this.options.log.readAfter(intake.position, intake.pageEvents, pageCharsMax);
    if (page.length === 0) {
      intake.isLive = true;
      this.#live.add(intake);
      return isReplaying;
    }
    for (const event of page) {
      intake.position = event.seq;
      if (intake.filters.some((filter) => matches(filter, event))) intake.fresh.push(event);
      if (intake.fresh.length >= room) break;
    }
    const isFull = intake.fresh.length >= room;
    intake.pageEvents = isFull ? Math.max(pageEventsMin, room) : Math.min(pageEventsMax, 2 * intake.pageEvents);
    if (intake.fresh.length > 0 || intake.position - intake.cursor > strideMax) this.#plan(intake, intake.position);
    return isReplaying || intake.room() > 0;
  }

  #replayStep(intake: Intake): boolean {
    const [replay] = intake.replays;
    const room = intake.replayRoom();
    if (!replay || room <= 0) return false;
    const events: StoredEvent[] = [];
    let to = replay.until_seq;
    const page = this.options.log.readAfter(replay.cursor_seq, pageEventsMax, pageCharsMax);
    for (const event of page) {
      if (event.seq > replay.until_seq) break;
      to = event.seq;
      if (intake.filters.some((filter) => matches(filter, event))) events.push(event);
      if (events.length >= room) break;
    }
    intake.planning += events.length;
    this.options.plan(intake, { webhookId: intake.lane.id, from: replay.cursor_seq, to, events, replay });
    replay.cursor_seq = to;
    if (to >= replay.until_seq) intake.replays.shift();
    return intake.replays.length > 0;
  }

  /** Events that nobody could wait for any longer. */
  #skipRemoved(intake: Intake): void {
    const { log, logger } = this.options;
    const before = log.oldest() - 1;
    if (intake.position >= before) return;
    logger.warn("events were removed from the log before a webhook was sent them", {
      webhook_id: intake.lane.id,
      from: log.idOf(intake.position),
      to: log.idOf(before),
    });
    intake.position = before;
  }

  #plan(intake: Intake, to: number): void {
    const { cursor: from, lane } = intake;
    const events = intake.takeFresh();
    intake.planning += events.length;
    intake.cursor = to;
    this.options.plan(intake, { webhookId: lane.id, from, to, events });
  }
}
