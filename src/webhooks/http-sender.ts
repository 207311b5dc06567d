import type { Clock } from "../clock.ts";
import { Connections } from "./connections.ts";
import type { Destinations } from "./destinations.ts";
import { HttpAttempt } from "./http-attempt.ts";
import type { Send } from "./sending.ts";

/** An attempt may take so long, with the request that is made once more. */
const attemptMsMax = 30_000;

export interface HttpSenderOptions {
  destinations: Destinations;
  clock: Clock;
  /** Certificates to trust in place of the system's. */
  ca?: string;
}

/**
 * Sends webhooks over HTTP/1.1 on connections of its own. `fetch` is not used: it looks a name up again after its addresses were
 * checked, lets 256 requests wait for their answers and no more, and tells nothing of how long each part took.
 */
export class HttpSender {
  readonly #connections: Connections;

  constructor(private readonly options: HttpSenderOptions) {
    this.#connections = new Connections(options.clock);
  }

  readonly send: Send = async (outgoing, signal) => {
    const options = { ...this.options, connections: this.#connections };
    const first = new HttpAttempt(outgoing, { ...options, mayReuse: true, msMax: attemptMsMax });
    const sent = await first.run(signal);
    if (!first.metClosedConnection || signal.aborted) return sent;
    // The receiver closed a kept connection just when it was used: that says nothing about whether it takes the event.
    return new HttpAttempt(outgoing, { ...options, mayReuse: false, msMax: attemptMsMax - sent.durations.total }).run(signal);
  };

  /** Closes the connections that are kept open. */
  stop(): void {
    this.#connections.stop();
  }
}
