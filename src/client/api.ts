import type { Static, TSchema } from "@sinclair/typebox";
import { type Clock, systemClock } from "../clock.ts";
import { type BaseUrl, createBaseUrl, type Query } from "./base-url.ts";
import { decode } from "./conform.ts";
import { ClientError } from "./errors.ts";
import { errorFrom } from "./problem.ts";

export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

export interface ApiOptions {
  /** Where the server is; see `createBaseUrl`. */
  url: string;
  token?: string | undefined;
  /** On whose behalf the client acts, as the events it causes will say; a user's, if not given. */
  actor?: "agent";
  fetch?: Fetch;
  clock?: Clock;
}

export interface Call {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** How long the whole answer may take. */
  timeoutMs?: number;
}

const timeoutMsDefault = 30_000;

/** One server, spoken to by HTTP. */
export class Api {
  readonly base: BaseUrl;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ url, token, actor, fetch = (target, init) => globalThis.fetch(target, init), clock = systemClock }: ApiOptions) {
    this.base = createBaseUrl(url);
    this.fetch = fetch;
    this.clock = clock;
    this.headers = {
      ...(token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(actor === undefined ? {} : { "x-matric-actor": actor }),
    };
  }

  /** Sends a request and checks its answer against `answer`. Rejects with a `ClientError`, or the signal's reason when aborted. */
  async json<Answer extends TSchema>(method: string, path: string, answer: Answer, call: Call = {}): Promise<Static<Answer>> {
    const { value } = await this.#send(method, path, call);
    return decode(answer, value, this.base.shown);
  }

  /** The same for an answer that may be empty (204). */
  async maybe<Answer extends TSchema>(
    method: string,
    path: string,
    answer: Answer,
    call: Call = {},
  ): Promise<Static<Answer> | undefined> {
    const { status, value } = await this.#send(method, path, call);
    return status === 204 ? undefined : decode(answer, value, this.base.shown);
  }

  /** The same for an answer that nobody reads. */
  async done(method: string, path: string, call: Call = {}): Promise<void> {
    await this.#send(method, path, call);
  }

  /** The body of an answer as it comes, for what is too large to hold. The time limit covers the wait for its beginning. */
  download(path: string, call: Call = {}): Promise<ReadableStream<Uint8Array>> {
    return this.#ask("GET", path, call, async ({ body }) => body ?? new Blob([]).stream());
  }

  #send(method: string, path: string, call: Call): Promise<{ status: number; value: unknown }> {
    return this.#ask(method, path, call, async (response) => ({ status: response.status, value: await this.#valueOf(response) }));
  }

  async #ask<T>(method: string, path: string, call: Call, take: (response: Response) => Promise<T>): Promise<T> {
    const { timeoutMs = timeoutMsDefault, signal } = call;
    signal?.throwIfAborted();
    const expired = new AbortController();
    const cancel = this.clock.after(timeoutMs, () => expired.abort());
    try {
      const response = await this.fetch(this.base.to(path, call.query), {
        method,
        headers: this.#headersOf(call),
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: signal ? AbortSignal.any([signal, expired.signal]) : expired.signal,
      });
      if (!response.ok) throw await errorFrom(response, this.base.shown);
      return await take(response);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (expired.signal.aborted)
        throw new ClientError("timed_out", `${this.base.shown} did not answer within ${timeoutMs / 1000} seconds.`);
      throw error instanceof ClientError ? error : unreachable(this.base.shown, error);
    } finally {
      cancel();
    }
  }

  #headersOf({ body, headers }: Call): Record<string, string> {
    const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
    return { accept: "application/json", ...type, ...this.headers, ...headers };
  }

  async #valueOf(response: Response): Promise<unknown> {
    const text = await response.text();
    if (text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      const message = `${this.base.shown} answered something that is not JSON. Is it a matric server?`;
      throw new ClientError("protocol", message, { status: response.status }, { cause });
    }
  }
}

/** The connection could not be made, or broke before the answer was complete. */
export function unreachable(server: string, cause: unknown): ClientError {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  const why = (code !== undefined && reasons[code]) || (cause instanceof Error ? cause.message : String(cause));
  return new ClientError("unreachable", `${server} cannot be reached: ${why.replace(/\.+$/, "")}.`, {}, { cause });
}

const untrusted =
  "its certificate is signed by nobody whom this machine trusts; NODE_EXTRA_CA_CERTS can name a file with whoever it is";

const noHttp = "it speaks no HTTP";

const reasons: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  ConnectionRefused: "the connection was refused",
  ECONNREFUSED: "the connection was refused",
  ConnectionClosed: "the connection was closed",
  ECONNRESET: "the connection was closed",
  FailedToOpenSocket: "no connection could be made",
  ENOTFOUND: "there is no host of that name",
  EPROTO: "the TLS handshake failed; if it speaks no TLS, try http://",
  Malformed_HTTP_Response: noHttp,
  InvalidHTTPResponse: noHttp,
  InvalidContentLength: noHttp,
};
