import type { Clock } from "../clock.ts";
import type { Api } from "./api.ts";
import { deferred } from "./deferred.ts";
import { ClientError } from "./errors.ts";
import { errorFrom } from "./problem.ts";
import { type Connect, openTimeoutMs, type StreamConnection, type StreamFrame } from "./stream-connection.ts";

/** Opens a WebSocket. Browsers cannot send headers: a page is known by its cookie, and `headers` is empty there. */
export type OpenSocket = (url: URL, headers: Readonly<Record<string, string>>) => WebSocket;

/** Bun and Node take headers. A browser does not, and is never given any: its types do not know them. */
type WithHeaders = new (url: URL, options: { headers: Record<string, string> }) => WebSocket;

const openGlobal: OpenSocket = (url, headers) =>
  Object.keys(headers).length === 0
    ? new WebSocket(url)
    : new (WebSocket as unknown as WithHeaders)(url, { headers: { ...headers } });

/** A socket cannot be told to wait: above this it is closed, and the stream resumes from its cursor when all is taken. */
const queuedCharsMax = 8 * 1024 * 1024;
/** Pings sent in one period of allowed silence. */
const pings = 3;

/** Follows `GET /ws` by WebSocket. */
export function socketConnect(api: Api, open: OpenSocket = openGlobal): Connect {
  return async ({ query, cursor, signal, clock }) => {
    const path = "api/v1/ws";
    const url = api.base.to(path, cursor === undefined ? query : { ...query, since: cursor });
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = open(url, api.headers);
    const opened = deferred<void>();
    const fail = () => opened.reject(new ClientError("unreachable", `${api.base.shown} cannot be reached by WebSocket.`));
    const cancel = clock.after(openTimeoutMs, fail);
    const connection = new SocketConnection(socket, clock, api, opened.resolve, fail, signal);
    try {
      await opened.promise;
      return connection;
    } catch (error) {
      connection.close();
      if (!signal.aborted) await explain(api, query, signal);
      throw error;
    } finally {
      cancel();
    }
  };
}

/** A refused upgrade has no reason that a WebSocket would tell: the same request by HTTP has. */
async function explain(api: Api, query: Record<string, string>, signal: AbortSignal): Promise<void> {
  const response = await api
    .fetch(api.base.to("api/v1/events", { ...query, limit: 1 }), {
      headers: { accept: "application/json", ...api.headers },
      signal,
    })
    .catch(() => undefined);
  if (response && !response.ok) throw await errorFrom(response, api.base.shown);
  await response?.body?.cancel();
}

class SocketConnection implements StreamConnection {
  readonly retryMs = undefined;
  silenceMs = openTimeoutMs;
  #frames: StreamFrame[] = [];
  #chars = 0;
  #isOpen = true;
  #error: ClientError | undefined;
  #wake: () => void = () => {};

  constructor(
    private readonly socket: WebSocket,
    private readonly clock: Clock,
    private readonly api: Api,
    onOpen: () => void,
    private readonly onFailure: () => void,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener("abort", this.#abort);
    socket.addEventListener("open", onOpen);
    socket.addEventListener("error", onFailure);
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code, reason }) => {
      onFailure();
      this.#end(closedBecause(this.api.base.shown, code, reason));
    });
  }

  readonly #abort = () => {
    this.close();
    this.onFailure();
  };

  async read(): Promise<StreamFrame[] | undefined> {
    for (let sent = 0; this.#frames.length === 0 && this.#isOpen; ) {
      const isHeard = await this.#wait(this.silenceMs / pings);
      if (isHeard) sent = 0;
      else if (sent < pings) sent = this.#ping(sent);
      else this.#end(new ClientError("unreachable", `${this.api.base.shown} has fallen silent.`));
    }
    const frames = this.#frames;
    this.#frames = [];
    this.#chars = 0;
    if (frames.length > 0) return frames;
    if (this.#error) throw this.#error;
    return undefined;
  }

  close(): void {
    this.signal.removeEventListener("abort", this.#abort);
    this.#end(undefined);
    this.socket.close();
  }

  #ping(sent: number): number {
    this.socket.send('{"op":"ping"}');
    return sent + 1;
  }

  /** Whether anything came within the time. */
  #wait(withinMs: number): Promise<boolean> {
    const { promise, resolve } = deferred<boolean>();
    const cancel = this.clock.after(withinMs, () => resolve(false));
    this.#wake = () => {
      cancel();
      resolve(true);
    };
    return promise;
  }

  #receive(data: unknown): void {
    if (!this.#isOpen || typeof data !== "string") return;
    const frame = frameOf(data);
    if (frame) {
      this.#frames.push(frame);
      this.#chars += data.length;
    }
    if (this.#chars > queuedCharsMax) this.close();
    this.#wake();
  }

  #end(error: ClientError | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#error = error;
    this.#wake();
  }
}

/** Undefined for an answer to one of our own messages. */
function frameOf(text: string): StreamFrame | undefined {
  try {
    const message: unknown = JSON.parse(text);
    if (typeof message !== "object" || message === null || !("event" in message) || typeof message.event !== "string")
      return undefined;
    return { name: message.event, id: "id" in message && typeof message.id === "string" ? message.id : undefined, text };
  } catch {
    return undefined;
  }
}

/** Undefined when coming back is right. */
function closedBecause(server: string, code: number, reason: string): ClientError | undefined {
  if (code === 1008)
    return new ClientError("forbidden", `${server} does not allow this stream${reason === "" ? "" : `: ${reason}`}.`, {
      status: 403,
    });
  if (code === 4009) return new ClientError("unauthorized", "The token is not valid any more.", { status: 401 });
  return undefined;
}
