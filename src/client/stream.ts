import { type Clock, systemClock } from "../clock.ts";
import { parseCursor } from "../events/cursor.ts";
import { type TransientData, type TransientName, transientCatalog } from "../events/transient-catalog.ts";
import { Backoff } from "./backoff.ts";
import { decode } from "./conform.ts";
import { ClientError, isFinal } from "./errors.ts";
import { type EventFilter, filterQuery } from "./filter-query.ts";
import type { Connect, StreamConnection, StreamFrame } from "./stream-connection.ts";
import { parseEnvelope, ReceivedEvent, type StreamItem } from "./stream-item.ts";
import { StreamPosition } from "./stream-position.ts";
import { wait } from "./wait.ts";

/** What a stream is doing, for whoever shows it. */
export type StreamState =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "reconnecting"; delayMs: number; error: ClientError | undefined }
  | { state: "closed"; error: ClientError | undefined };

export interface StreamOptions {
  filter?: EventFilter;
  /** An event id (go on after it), a time, how long ago (`10m`), `earliest` or `latest`; now, if not given. */
  since?: string | undefined;
  /** Ends the stream, without an error. */
  signal?: AbortSignal | undefined;
  /** Give up when the first connection cannot be made; after it, every break is mended. */
  failFast?: boolean;
  onState?: (state: StreamState) => void;
}

export interface StreamDeps {
  connect: Connect;
  clock?: Clock;
  random?: () => number;
}

/** A connection that lasted so long was a good one. */
const stableMs = 5000;
/** Heartbeats that may be missed before a silent connection counts as dead. */
const heartbeatsMissed = 3;

/**
 * Follows the log for as long as it takes: every event once and in order, over any number of broken connections and restarts of
 * the server. Iterate it once. The server is read only as fast as the loop takes items. The iteration ends when `signal` aborts
 * or the loop is left, and throws a `ClientError` when the server refuses the stream for good.
 */
export class EventStream implements AsyncIterable<StreamItem> {
  readonly #position: StreamPosition;
  readonly #backoff: Backoff;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #hasBeenLive = false;
  /** The server's own word on when to come back; holds for one time. */
  #comeBackMs: number | undefined;

  constructor(
    private readonly options: StreamOptions,
    private readonly deps: StreamDeps,
  ) {
    const { since, signal = new AbortController().signal } = options;
    this.#position = new StreamPosition(since !== undefined && parseCursor(since) ? since : undefined);
    this.#backoff = new Backoff(deps.random);
    this.#clock = deps.clock ?? systemClock;
    this.#signal = signal;
  }

  /** Everything up to here has been handed on: the `since` with which another stream would go on. */
  get cursor(): string | undefined {
    return this.#position.cursor;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamItem, void, void> {
    let error: ClientError | undefined;
    try {
      while (!this.#signal.aborted) {
        error = undefined;
        try {
          yield* this.#once();
        } catch (cause) {
          error = this.#signal.aborted ? undefined : this.#bearable(cause);
        }
        if (!this.#signal.aborted) await this.#pause(error);
      }
      error = undefined;
    } catch (cause) {
      error = cause instanceof ClientError ? cause : undefined;
      throw cause;
    } finally {
      this.options.onState?.({ state: "closed", error });
    }
  }

  /** Throws what no further attempt can mend. */
  #bearable(cause: unknown): ClientError {
    if (!(cause instanceof ClientError) || isFinal(cause) || (this.options.failFast && !this.#hasBeenLive)) throw cause;
    return cause;
  }

  async *#once(): AsyncGenerator<StreamItem, void, void> {
    this.options.onState?.({ state: "connecting" });
    const connection = await this.deps.connect({
      query: this.#query(),
      cursor: this.cursor,
      signal: this.#signal,
      clock: this.#clock,
    });
    const openedAtMs = this.#clock.monotonicMs();
    try {
      for (let frames = await connection.read(); frames; frames = await connection.read()) {
        for (const frame of frames) {
          const item = this.#take(frame, connection);
          if (item) yield item;
          if (this.#signal.aborted) return;
        }
      }
    } finally {
      connection.close();
      if (this.#clock.monotonicMs() - openedAtMs >= stableMs) this.#backoff.reset();
    }
  }

  #query(): Record<string, string> {
    const { filter, since } = this.options;
    return { ...filterQuery(filter), ...(since !== undefined && this.cursor === undefined ? { since } : {}) };
  }

  #take({ name, id, text }: StreamFrame, connection: StreamConnection): StreamItem | undefined {
    switch (name) {
      case "ConnectionOpened":
        return this.#opened(dataOf("ConnectionOpened", text), connection);
      case "StreamCursor":
        this.#position.move(dataOf("StreamCursor", text).cursor);
        return undefined;
      case "StreamGap":
        return this.#gap(dataOf("StreamGap", text));
      case "StreamClosing":
        this.#comeBackMs = dataOf("StreamClosing", text).retry_ms;
        return undefined;
      default:
        if (id === undefined) return new ReceivedEvent("snapshot", name, "", text);
        return this.#position.accept(id) ? new ReceivedEvent("event", name, id, text) : undefined;
    }
  }

  #opened(data: TransientData<"ConnectionOpened">, connection: StreamConnection): StreamItem {
    connection.silenceMs = data.heartbeat_seconds * 1000 * heartbeatsMissed;
    if (connection.retryMs !== undefined) this.#backoff.suggest(connection.retryMs);
    // With a cursor of our own the server begins after it, or tells of the gap.
    if (this.cursor === undefined) this.#position.move(data.cursor);
    this.#hasBeenLive = true;
    this.options.onState?.({ state: "live" });
    return { kind: "opened", ...data };
  }

  #gap(data: TransientData<"StreamGap">): StreamItem {
    this.#position.jump(data.to);
    return { kind: "gap", ...data };
  }

  async #pause(error: ClientError | undefined): Promise<void> {
    const delayMs = this.#comeBackMs ?? error?.retryAfterMs ?? this.#backoff.nextMs();
    this.#comeBackMs = undefined;
    this.options.onState?.({ state: "reconnecting", delayMs, error });
    await wait(this.#clock, delayMs, this.#signal);
  }
}

function dataOf<Name extends TransientName>(name: Name, text: string): TransientData<Name> {
  return decode(transientCatalog[name].data, parseEnvelope(text).data, "The event stream") as TransientData<Name>;
}
