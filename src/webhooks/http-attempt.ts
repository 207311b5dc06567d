import { isIP, type LookupFunction } from "node:net";
import type { Cancel, Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { AnswerParser, BadAnswer } from "./answer-parser.ts";
import { Connection, type ConnectionUser } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { maskHeaders } from "./custom-headers.ts";
import { type Destinations, ForbiddenAddress } from "./destinations.ts";
import type { AttemptErrorCode, Outgoing, Sent } from "./sending.ts";

export interface HttpAttemptOptions {
  destinations: Destinations;
  connections: Connections;
  clock: Clock;
  ca?: string;
  /** Whether a connection may be used that was kept open. */
  mayReuse: boolean;
  /** How long it may take, from the look-up of the name to the end of the answer. */
  msMax: number;
}

type Phase = "dns" | "connect" | "tls" | "first_byte" | "body";

/** One request over HTTP, watched from the look-up of the name to the end of the answer. */
export class HttpAttempt implements ConnectionUser {
  /** The connection had been kept open from an earlier request, and was closed before any answer. */
  metClosedConnection = false;
  readonly #at;
  readonly #startMs;
  #markMs: number;
  readonly #durations: Omit<Sent["durations"], "total"> = { dns: null, connect: null, tls: null, first_byte: null };
  readonly #parser = new AnswerParser();
  readonly #bytes: Buffer;
  #phase: Phase = "connect";
  #connection: Connection | undefined;
  #cancelTimeout: Cancel = () => {};
  #isEnded = false;
  #resolve: (sent: Sent) => void = () => {};

  constructor(
    private readonly outgoing: Outgoing,
    private readonly options: HttpAttemptOptions,
  ) {
    this.#bytes = bytesOf(outgoing);
    this.#at = options.clock.now();
    this.#startMs = options.clock.monotonicMs();
    this.#markMs = this.#startMs;
  }

  run(signal: AbortSignal): Promise<Sent> {
    return new Promise((resolve) => {
      const abort = () => this.#end("timed_out", "the server is shutting down");
      signal.addEventListener("abort", abort);
      this.#resolve = (sent) => {
        signal.removeEventListener("abort", abort);
        resolve(sent);
      };
      this.#cancelTimeout = this.options.clock.after(this.options.msMax, () =>
        this.#end("timed_out", "there was no complete answer in time"),
      );
      this.#begin();
    });
  }

  #begin(): void {
    const { url } = this.outgoing;
    const kept = this.options.mayReuse ? this.options.connections.take(url.origin) : undefined;
    if (kept) {
      this.#connection = kept;
      kept.use(this);
      this.#request();
    } else if (isIP(url.hostname.replace(/^\[|\]$/g, "")) === 0) {
      // A name is checked when it is looked up, right before the connection is made.
      this.#connect();
    } else {
      this.options.destinations.addressesOf(url).then(
        () => this.#connect(),
        (error) => this.#fail(error),
      );
    }
  }

  #connect(): void {
    if (this.#isEnded) return;
    this.#connection = new Connection({ url: this.outgoing.url, lookup: this.#lookup, ca: this.options.ca }, this);
  }

  /** Gives the connection addresses that were checked, and none other. */
  readonly #lookup: LookupFunction = (_hostname, { all }, done) => {
    this.#phase = "dns";
    this.options.destinations.addressesOf(this.outgoing.url).then(
      (addresses) => {
        this.#mark("dns", "connect");
        const [first] = addresses;
        if (all) done(null, addresses);
        else done(null, first?.address ?? "", first?.family);
      },
      (error) => {
        this.#fail(error);
        done(error, "", 0);
      },
    );
  };

  connected(): void {
    const isSecure = this.outgoing.url.protocol === "https:";
    this.#mark("connect", isSecure ? "tls" : "first_byte");
    if (!isSecure) this.#request();
  }

  secured(): void {
    this.#mark("tls", "first_byte");
    this.#request();
  }

  #request(): void {
    this.#phase = "first_byte";
    this.#connection?.write(this.#bytes);
  }

  received(piece: Buffer): void {
    try {
      const isComplete = this.#parser.push(piece);
      if (this.#phase === "first_byte" && this.#parser.answer) this.#mark("first_byte", "body");
      if (isComplete) this.#finish();
    } catch (error) {
      this.#fail(error);
    }
  }

  closed(error: Error | undefined): void {
    if (this.#phase === "body" && !error && this.#parser.end()) this.#finish();
    else this.#fail(error ?? new ConnectionClosed("the connection was closed before the end of the answer"));
  }

  #finish(): void {
    const status = this.#parser.answer?.status ?? 0;
    if (status >= 200 && status < 300) this.#end(null, null);
    else if (status >= 300 && status < 400) this.#end("redirect", `the receiver answered ${status}; redirects are not followed`);
    else this.#end(status === 410 ? "gone" : "http_error", `the receiver answered ${status}`);
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return;
    const code = this.#codeOf(error);
    this.metClosedConnection = code === "connection_reset" && this.#connection?.isReused === true && this.#phase === "first_byte";
    this.#end(code, messageOf(error));
  }

  #codeOf(error: unknown): AttemptErrorCode {
    if (error instanceof ForbiddenAddress) return "forbidden_address";
    if (error instanceof BadAnswer) return "bad_answer";
    if (this.#phase === "dns") return "dns_failed";
    if (this.#phase === "tls") return "tls_failed";
    if (this.#phase !== "connect") return "connection_reset";
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "ECONNREFUSED" ? "connection_refused" : "connection_failed";
  }

  /** The first end counts. The connection is kept if it can take another request. */
  #end(errorCode: AttemptErrorCode | null, error: string | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelTimeout();
    const connection = this.#connection;
    if (connection && this.#parser.isReusable) this.options.connections.put(this.outgoing.url.origin, connection);
    else connection?.destroy();
    const { answer } = this.#parser;
    this.#resolve({
      at: this.#at,
      status: answer?.status ?? null,
      errorCode,
      error,
      durations: { total: round(this.options.clock.monotonicMs() - this.#startMs), ...this.#durations },
      responseHeaders: answer ? maskHeaders(answer.headers) : null,
      responseBody: answer ? this.#parser.body().toString() : null,
    });
  }

  #mark(part: Exclude<Phase, "body">, next: Phase): void {
    const nowMs = this.options.clock.monotonicMs();
    this.#durations[part] = round(nowMs - this.#markMs);
    this.#markMs = nowMs;
    this.#phase = next;
  }
}

class ConnectionClosed extends Error {
  override readonly name = "ConnectionClosed";
}

function bytesOf({ url, headers, body }: Outgoing): Buffer {
  let head = `POST ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n`;
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${oneLine(value)}\r\n`;
  return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/** Whatever got here in spite of all checks must not begin a header of its own. */
function oneLine(value: string): string {
  if (/[\r\n\0]/.test(value)) throw new Error("a header cannot hold a line break or NUL");
  return value;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
