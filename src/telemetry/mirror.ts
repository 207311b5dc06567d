import type { Clock } from "../clock.ts";
import type { StoredEvent } from "../events/log.ts";
import type { TransientData, TransientName } from "../events/transient-catalog.ts";
import type { LogFields, Logger } from "../logger.ts";
import { customReader, type EventReader, MalformedEvent, readerFor, readFields } from "./event-fields.ts";

/** Told in one turn of the event loop, so that no request waits noticeably. So many are told at once. */
const turnEventsMax = 200;
/** Fewer are not worth a turn of their own. */
const waitingMany = 100;
/** What may wait when there is no time; beyond it events are dropped and counted. */
const waitingEventsMax = 100_000;
const waitingCharsMax = 16 * 1024 * 1024;

/** An event without id, about a connection or about none. */
interface Transient {
  name: TransientName;
  at: number;
  data: object;
  connectionId: string | undefined;
}

/** Hears of every event that was told, with the fields of its allow-list. Must not throw. */
export interface EventMeter {
  /** Whether it needs the fields of this event even when the log does not take its level. */
  needs(name: string): boolean;
  observe(name: string, fields: LogFields): void;
  /** So many events of this type have been told; those of users are `custom`. */
  count(name: string, events: number): void;
}

export interface MirrorOptions {
  clock: Clock;
  logger: Logger;
  meter: EventMeter;
}

/**
 * Turns every event into one line of the log, off the path of the requests: what comes is only put down, and told in batches a
 * little later. Nothing but the fields of the registry's allow-list is told.
 */
export class Mirror {
  /** Events that were not told because too many waited. */
  dropped = 0;
  /** Events that were not told because they were not what the registry says. */
  malformed = 0;
  #waiting: (StoredEvent | Transient)[] = [];
  #chars = 0;
  #turnAhead: ReturnType<typeof setImmediate> | undefined;

  constructor(private readonly options: MirrorOptions) {}

  /** Takes what was committed, for `EventLog.onAppend`. */
  readonly take = (events: readonly StoredEvent[]): void => {
    for (const event of events) {
      if (this.#waiting.length >= waitingEventsMax || this.#chars > waitingCharsMax) {
        this.dropped++;
        continue;
      }
      this.#waiting.push(event);
      this.#chars += event.text.length;
    }
    this.#lookAhead();
  };

  /** Takes an event that is not in the log. */
  readonly takeTransient = <Name extends TransientName>(name: Name, data: TransientData<Name>, connectionId?: string): void => {
    if (this.#waiting.length >= waitingEventsMax) this.dropped++;
    else this.#waiting.push({ name, at: this.options.clock.now(), data, connectionId });
    this.#lookAhead();
  };

  /** Tells some of what waits; to be called several times a second. */
  tick(): void {
    if (!this.#turnAhead) this.#turn();
  }

  /** There is time for what waits, if it is much. */
  ease(): void {
    if (this.#waiting.length >= waitingMany) this.tick();
  }

  /** Tells all that waits, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#turn();
    clearImmediate(this.#turnAhead);
    this.#turnAhead = undefined;
  }

  /** Waits for no better moment when there is enough for a turn. */
  #lookAhead(): void {
    if (this.#waiting.length < turnEventsMax) return;
    this.#turnAhead ??= setImmediate(() => {
      this.#turnAhead = undefined;
      this.#turn();
      this.#lookAhead();
    });
  }

  #turn(): void {
    if (this.#waiting.length === 0) return;
    const events = this.#waiting.splice(0, turnEventsMax);
    const counts = new Map<string, number>();
    for (const event of events) {
      if ("text" in event) this.#chars -= event.text.length;
      try {
        const name = this.#tell(event);
        counts.set(name, (counts.get(name) ?? 0) + 1);
      } catch (error) {
        this.#skip(event, error);
      }
    }
    for (const [name, count] of counts) this.options.meter.count(name, count);
  }

  /** Returns as what it counts. */
  #tell(event: StoredEvent | Transient): string {
    const { logger, meter } = this.options;
    const builtIn = readerFor(event.name);
    const reader = builtIn ?? customReader;
    const isLogged = logger.enabled(reader.level);
    const isMeasured = meter.needs(event.name);
    if (isLogged || isMeasured) {
      const fields = "text" in event ? storedFields(reader, event) : transientFields(reader, event);
      if (isMeasured) meter.observe(event.name, fields);
      if (isLogged) logger[reader.level](reader.message, fields, event.at);
    }
    return builtIn ? event.name : "custom";
  }

  #skip(event: StoredEvent | Transient, error: unknown): void {
    this.malformed++;
    const reason = error instanceof MalformedEvent ? error.reason : "its text cannot be read";
    const id = "text" in event ? event.id : undefined;
    this.options.logger.warn("an event is malformed and was skipped", { "event.type": event.name, "event.id": id, reason });
  }
}

function storedFields(reader: EventReader, { name, id, text, trace }: StoredEvent): LogFields {
  // Most events are like these, and spreading objects is half of what telling one costs.
  if (reader.fields.length === 0 && trace === undefined) {
    const { "event.actor_kind": kind, "event.actor_id": actorId } = actorOf(text);
    return { "event.type": name, "event.id": id, "event.actor_kind": kind, "event.actor_id": actorId };
  }
  const head = { "event.type": name, "event.id": id, ...(trace !== undefined && traceFields(trace)) };
  if (reader.fields.length === 0) return { ...head, ...actorOf(text) };
  const { actor, data } = JSON.parse(text);
  return { ...head, ...actorFields(actor), ...readFields(reader, data) };
}

/** By which the lines of one trace are found. */
function traceFields(traceparent: string): LogFields {
  const [, trace_id, span_id] = traceparent.split("-");
  return { trace_id, span_id };
}

function transientFields(reader: EventReader, { name, connectionId, data }: Transient): LogFields {
  const fields = { "event.type": name, ...readFields(reader, data) };
  return connectionId === undefined ? fields : { ...fields, connection_id: connectionId };
}

/** Who caused the last event, as JSON up to where its data begin, and as fields: most of the next ones are by the same. */
let lastActor: { json: string; fields: LogFields } = { json: "", fields: {} };
const actorKey = ',"actor":';
const dataKey = ',"data":';

/** Who acted, without reading data that may be long: quotes within the strings before it are escaped. */
function actorOf(text: string): LogFields {
  const key = text.indexOf(actorKey);
  const start = key + actorKey.length;
  if (key >= 0 && lastActor.json !== "" && text.startsWith(lastActor.json, start)) return lastActor.fields;
  const end = text.indexOf(dataKey, start);
  if (key < 0 || end < 0) throw new MalformedEvent("its envelope is not what it should be");
  const fields = actorFields(JSON.parse(text.slice(start, end)));
  lastActor = { json: text.slice(start, end + dataKey.length), fields };
  return fields;
}

const actorKinds = new Set<unknown>(["user", "agent", "worker", "system"]);

function actorFields(actor: unknown): LogFields {
  if (typeof actor !== "object" || actor === null || !("kind" in actor) || !("id" in actor)) {
    throw new MalformedEvent("actor is missing");
  }
  const { kind, id } = actor;
  if (typeof kind !== "string" || !actorKinds.has(kind)) throw new MalformedEvent("actor.kind is not what it should be");
  return typeof id === "string" ? { "event.actor_kind": kind, "event.actor_id": id } : { "event.actor_kind": kind };
}
