import http from "node:http";
import https from "node:https";
import type { Clock } from "../clock.ts";
import type { Destinations } from "./destinations.ts";
import { HttpAttempt } from "./http-attempt.ts";
import type { Outgoing, Send } from "./sending.ts";

/** Unused connections are closed before most servers do it, so that few requests meet a connection that is just closing. */
const idleMs = 4000;
const idlePerHostMax = 16;

export interface HttpSenderOptions {
  destinations: Destinations;
  clock: Clock;
  /** Certificates to trust in place of the system's. */
  ca?: string;
}

/** Sends webhooks over HTTP/1.1, on connections that are kept open for a while. */
export class HttpSender {
  readonly #http = new http.Agent({ keepAlive: true, maxFreeSockets: idlePerHostMax, timeout: idleMs });
  readonly #https = new https.Agent({ keepAlive: true, maxFreeSockets: idlePerHostMax, timeout: idleMs });

  constructor(private readonly options: HttpSenderOptions) {}

  readonly send: Send = async (outgoing, signal) => {
    const first = this.#attempt(outgoing, this.#agentFor(outgoing));
    const sent = await first.run(signal);
    // The receiver closed a kept connection just when it was used: that says nothing about whether it takes the event.
    return first.metClosedConnection && !signal.aborted ? this.#attempt(outgoing, false).run(signal) : sent;
  };

  /** Closes the connections that are kept open. */
  stop(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #agentFor({ url }: Outgoing): http.Agent {
    return url.protocol === "https:" ? this.#https : this.#http;
  }

  #attempt(outgoing: Outgoing, agent: http.Agent | false): HttpAttempt {
    return new HttpAttempt(outgoing, { ...this.options, agent });
  }
}
