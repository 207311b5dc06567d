import type { Api } from "../../../client/api.ts";
import { ClientError } from "../../../client/errors.ts";
import { EventStream, type StreamState } from "../../../client/stream.ts";
import type { StreamItem } from "../../../client/stream-item.ts";
import { socketThenSse, type Transport } from "./connect.ts";

/** What tabs get to see of the stream; it survives being posted from a worker. */
export type FeedItem =
  | { kind: "event" | "snapshot"; name: string; id: string; text: string; receivedAtMs: number }
  /** Something may have been missed: what is shown must be fetched anew. */
  | { kind: "unsure" };

/** `isUnknown`: the server does not know who asks, so that nothing else can be had either. */
export type FeedState =
  | { state: "connecting" }
  | { state: "live"; transport: Transport }
  | { state: "waiting"; untilMs: number }
  | { state: "refused"; message: string; isUnknown: boolean };

export interface FeedMessage {
  items?: FeedItem[];
  state?: FeedState;
  /** How many tabs share this connection. */
  tabs?: number;
}

/** Events that come within this time leave together: a burst costs a tab one update, not hundreds. */
const gatherMs = 8;
/** A server that refused the stream may have been set up differently meanwhile. */
const refusedRetryMs = 30_000;

/** Follows the server's log, from where it stood, over any number of broken connections. */
export class FeedRunner {
  #transport: Transport = "ws";
  #cursor: string | undefined;
  #attempt = new AbortController();
  #items: FeedItem[] = [];
  #isFlushing = false;
  readonly #connect;

  constructor(
    api: Api,
    private readonly emit: (message: FeedMessage) => void,
  ) {
    this.#connect = socketThenSse(api, (transport) => {
      this.#transport = transport;
    });
  }

  start(): void {
    void this.#run(this.#attempt);
  }

  /** Tries at once instead of waiting any longer: the network is back, or somebody asked for it. */
  retryNow(): void {
    this.#attempt.abort();
    this.#attempt = new AbortController();
    this.start();
  }

  async #run(attempt: AbortController): Promise<void> {
    const { signal } = attempt;
    const onState = (state: StreamState) => {
      if (!signal.aborted) this.#tell(state);
    };
    const stream = new EventStream({ since: this.#cursor, signal, onState }, { connect: this.#connect });
    try {
      for await (const item of stream) {
        if (signal.aborted) return;
        this.#take(item);
        this.#cursor = stream.cursor;
      }
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      const isUnknown = error instanceof ClientError && error.code === "unauthorized";
      this.emit({ state: { state: "refused", message, isUnknown } });
      setTimeout(() => {
        if (!signal.aborted) this.retryNow();
      }, refusedRetryMs);
    }
  }

  #tell(state: StreamState): void {
    if (state.state === "live") this.emit({ state: { state: "live", transport: this.#transport } });
    else if (state.state === "connecting") this.emit({ state: { state: "connecting" } });
    else if (state.state === "reconnecting") this.emit({ state: { state: "waiting", untilMs: Date.now() + state.delayMs } });
  }

  #take(item: StreamItem): void {
    if (item.kind === "gap") this.#items.push({ kind: "unsure" });
    else if (item.kind === "opened") {
      // Before the first connection nothing was shown that could be out of date.
      if (!item.resumed && this.#cursor !== undefined) this.#items.push({ kind: "unsure" });
    } else {
      const { kind, name, id, text } = item;
      this.#items.push({ kind, name, id, text, receivedAtMs: Date.now() });
    }
    if (this.#isFlushing || this.#items.length === 0) return;
    this.#isFlushing = true;
    setTimeout(() => this.#flush(), gatherMs);
  }

  #flush(): void {
    this.#isFlushing = false;
    const items = this.#items;
    this.#items = [];
    this.emit({ items });
  }
}
