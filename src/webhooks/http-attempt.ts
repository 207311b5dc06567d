import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction, type Socket } from "node:net";
import type { Cancel, Clock } from "../clock.ts";
import { maskHeaders } from "./custom-headers.ts";
import { type Destinations, ForbiddenAddress } from "./destinations.ts";
import type { AttemptErrorCode, Outgoing, Sent } from "./sending.ts";

/** An attempt may take so long, from the look-up of the name to the end of the answer. */
const attemptMsMax = 30_000;
const headerBytesMax = 32 * 1024;
/** More of an answer is not read; its status counts all the same. */
const bodyBytesMax = 64 * 1024;
const keptBytesMax = 16 * 1024;

export interface HttpAttemptOptions {
  destinations: Destinations;
  clock: Clock;
  /** False for a connection of its own. */
  agent: http.Agent | false;
  ca?: string;
}

type Mark = "dns" | "connect" | "tls" | "first_byte";

/** One request over HTTP, watched from the look-up of the name to the end of the answer. */
export class HttpAttempt {
  /** The connection had been kept open from an earlier request, and was closed before any answer. */
  metClosedConnection = false;
  readonly #at;
  readonly #startMs;
  #markMs: number;
  readonly #durations: Record<Mark, number | null> = { dns: null, connect: null, tls: null, first_byte: null };
  readonly #chunks: Buffer[] = [];
  #bodyBytes = 0;
  #phase: "lookup" | "connect" | "tls" | "answer" = "answer";
  #request: http.ClientRequest | undefined;
  #response: http.IncomingMessage | undefined;
  #cancelTimeout: Cancel = () => {};
  #isEnded = false;
  readonly #ended = Promise.withResolvers<Sent>();

  constructor(
    private readonly outgoing: Outgoing,
    private readonly options: HttpAttemptOptions,
  ) {
    this.#at = options.clock.now();
    this.#startMs = options.clock.monotonicMs();
    this.#markMs = this.#startMs;
  }

  run(signal: AbortSignal): Promise<Sent> {
    const abort = () => this.#fail("timed_out", "the server is shutting down");
    signal.addEventListener("abort", abort, { once: true });
    this.#cancelTimeout = this.options.clock.after(attemptMsMax, () =>
      this.#fail("timed_out", `no complete answer within ${attemptMsMax / 1000} seconds`),
    );
    this.#begin().catch((error) => this.#failWith(error));
    return this.#ended.promise.finally(() => signal.removeEventListener("abort", abort));
  }

  async #begin(): Promise<void> {
    const { url, headers, body } = this.outgoing;
    const { agent, ca, destinations } = this.options;
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    const isName = isIP(hostname) === 0;
    // A name is checked when it is looked up, right before the connection is made.
    if (!isName) await destinations.addressesOf(url);
    const request = (url.protocol === "https:" ? https : http).request({
      method: "POST",
      agent,
      host: hostname,
      port: url.port === "" ? undefined : url.port,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, Host: url.host, "Content-Length": Buffer.byteLength(body) },
      lookup: this.#lookup,
      maxHeaderSize: headerBytesMax,
      ...(isName ? { servername: hostname.replace(/\.+$/, "") } : {}),
      ...(ca === undefined ? {} : { ca }),
    });
    this.#request = request;
    request.on("socket", (socket) => this.#watch(socket));
    request.on("response", (response) => this.#receive(response));
    request.on("error", (error) => this.#failWith(error));
    request.end(body);
  }

  /** Gives the connection addresses that were checked, and none other. */
  readonly #lookup: LookupFunction = (_hostname, options, done) => {
    this.#phase = "lookup";
    this.options.destinations.addressesOf(this.outgoing.url).then(
      (addresses) => {
        this.#mark("dns");
        this.#phase = "connect";
        const [first] = addresses;
        if (options.all) done(null, addresses);
        else done(null, first?.address ?? "", first?.family);
      },
      (error) => done(error, "", 0),
    );
  };

  #watch(socket: Socket): void {
    if (this.#request?.reusedSocket) return;
    if (this.#phase === "answer") this.#phase = "connect";
    const isSecure = this.outgoing.url.protocol === "https:";
    socket.once("connect", () => {
      this.#mark("connect");
      this.#phase = isSecure ? "tls" : "answer";
    });
    socket.once("secureConnect", () => {
      this.#mark("tls");
      this.#phase = "answer";
    });
  }

  #receive(response: http.IncomingMessage): void {
    this.#mark("first_byte");
    this.#response = response;
    response.on("data", (chunk: Buffer) => {
      if (this.#bodyBytes < keptBytesMax) this.#chunks.push(chunk);
      this.#bodyBytes += chunk.length;
      if (this.#bodyBytes > bodyBytesMax) this.#finish(response);
    });
    response.on("end", () => this.#finish(response));
    response.on("error", (error) => this.#failWith(error));
    response.on("close", () => {
      if (!response.complete) this.#fail("connection_reset", "the connection was closed in the middle of the answer");
    });
  }

  #finish({ statusCode = 0 }: http.IncomingMessage): void {
    if (statusCode >= 200 && statusCode < 300) this.#end(null, null);
    else if (statusCode >= 300 && statusCode < 400)
      this.#end("redirect", `the receiver answered ${statusCode}; redirects are not followed`);
    else this.#end(statusCode === 410 ? "gone" : "http_error", `the receiver answered ${statusCode}`);
  }

  #failWith(error: NodeJS.ErrnoException): void {
    if (this.#isEnded) return;
    const isReset = error.code === "ECONNRESET" || error.code === "EPIPE";
    this.metClosedConnection = isReset && !this.#response && this.#request?.reusedSocket === true;
    this.#fail(this.#codeOf(error, isReset), error.message);
  }

  #codeOf(error: NodeJS.ErrnoException, isReset: boolean): AttemptErrorCode {
    if (error instanceof ForbiddenAddress) return "forbidden_address";
    if (this.#phase === "lookup") return "dns_failed";
    if (this.#phase === "tls") return "tls_failed";
    if (error.code?.startsWith("HPE_")) return "bad_answer";
    if (error.code === "ECONNREFUSED") return "connection_refused";
    return isReset ? "connection_reset" : "connection_failed";
  }

  #fail(code: AttemptErrorCode, error: string): void {
    this.#end(code, error);
  }

  /** The first end counts. What is left of the exchange is cut off. */
  #end(errorCode: AttemptErrorCode | null, error: string | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelTimeout();
    if (!this.#response?.complete) this.#request?.destroy();
    const response = this.#response;
    const { dns, connect, tls, first_byte } = this.#durations;
    const total = round(this.options.clock.monotonicMs() - this.#startMs);
    this.#ended.resolve({
      at: this.#at,
      status: response?.statusCode ?? null,
      errorCode,
      error,
      durations: { total, dns, connect, tls, first_byte },
      responseHeaders: response ? headersOf(response) : null,
      responseBody: response ? Buffer.concat(this.#chunks).subarray(0, keptBytesMax).toString() : null,
    });
  }

  #mark(part: Mark): void {
    const nowMs = this.options.clock.monotonicMs();
    this.#durations[part] = round(nowMs - this.#markMs);
    this.#markMs = nowMs;
  }
}

function headersOf({ headers }: http.IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]);
  return maskHeaders(Object.fromEntries(entries));
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
