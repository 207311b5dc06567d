import { catalog, Envelope, type EventData, type EventName } from "../events/catalog.ts";
import type { TransientData } from "../events/transient-catalog.ts";
import { decode } from "./conform.ts";

/** One event as it came. `text` is the server's JSON, untouched; it is parsed when somebody looks into it. */
export class ReceivedEvent {
  #envelope: Envelope | undefined;

  constructor(
    /** `event`: of the log, with an id. `snapshot`: without one, never repeated (`QueueStatus`). */
    readonly kind: "event" | "snapshot",
    readonly name: string,
    /** Empty for a snapshot. */
    readonly id: string,
    readonly text: string,
  ) {}

  /** Throws `protocol` when the server sent something that is not an event. */
  get envelope(): Envelope {
    this.#envelope ??= parseEnvelope(this.text);
    return this.#envelope;
  }

  /** The data, typed, if this is an event of that name. */
  dataOf<Name extends EventName>(name: Name): EventData<Name> | undefined {
    return this.name === name
      ? (decode(catalog[name].data, this.envelope.data, "The event stream") as EventData<Name>)
      : undefined;
  }
}

/** Events between two cursors cannot be had: whoever keeps a copy of something should fetch it anew. */
export type ReceivedGap = { kind: "gap" } & TransientData<"StreamGap">;

/** A connection stands. Comes first, and again after every reconnect: the moment to fetch what has no event. */
export type ReceivedOpening = { kind: "opened" } & TransientData<"ConnectionOpened">;

export type StreamItem = ReceivedEvent | ReceivedGap | ReceivedOpening;

export function parseEnvelope(text: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return decode(Envelope, value, "The event stream");
}
