import { type AuthInfo, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import type { Clock } from "../clock.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import { SessionServer, type SessionServerOptions } from "./session-server.ts";
import { watchedStream } from "./watched-stream.ts";

const oldestVersion = "2025-03-26";
/** A client whose stream broke comes back after so long, and once more after as long again: time for a server to start. */
const comeBackMs = 2000;

export interface SessionOptions extends SessionServerOptions {
  id: string;
  /** The token that it was begun with; undefined where nobody needs one. */
  owner: string | undefined;
  clock: Clock;
  stalledMs: number;
  onClose: () => void;
}

/** A session of the 2025 revisions: its transport and what answers behind it, with the latest messages kept for connections that break. */
export class Session {
  readonly id: string;
  readonly owner: string | undefined;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #options: SessionOptions;
  readonly #replay = new ReplayBuffer();
  #openStreams = 0;
  #usedAtMs: number;

  private constructor(options: SessionOptions) {
    this.id = options.id;
    this.owner = options.owner;
    this.#options = options;
    this.#usedAtMs = options.clock.monotonicMs();
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => options.id,
      eventStore: this.#replay,
      retryInterval: comeBackMs,
    });
  }

  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    const transport = session.#transport;
    const server = new SessionServer(transport, options);
    transport.onmessage = (message, extra) => server.receive(message, extra);
    transport.onclose = () => {
      server.close();
      options.onClose();
    };
    await transport.start();
    return session;
  }

  /** Nobody uses it since then; undefined while a stream is open. */
  idleSinceMs(): number | undefined {
    return this.#openStreams > 0 ? undefined : this.#usedAtMs;
  }

  async handle(request: Request, parsedBody: unknown, authInfo: AuthInfo | undefined): Promise<Response> {
    this.#usedAtMs = this.#options.clock.monotonicMs();
    const response = await this.#replay.handling(parsedBody, () =>
      this.#transport.handleRequest(request, { parsedBody, ...(authInfo && { authInfo }) }),
    );
    if (request.method !== "GET" || response.status !== 200) return response;
    this.#openStreams++;
    const onEnd = () => {
      this.#openStreams--;
      this.#usedAtMs = this.#options.clock.monotonicMs();
    };
    return watchedStream(response, { ...this.#options, onEnd });
  }

  /** Takes up a session whose client believes that it is still there: it has said `initialize` to an earlier process. */
  async takeUp(request: Request): Promise<void> {
    const protocolVersion = request.headers.get("mcp-protocol-version") ?? oldestVersion;
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: "unknown", version: "0" } };
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const initialize = new Request(request.url, { method: "POST", headers });
    const answer = await this.#transport.handleRequest(initialize, {
      parsedBody: { jsonrpc: "2.0", id: "initialize", method: "initialize", params },
    });
    await answer.text();
    const initialized = new Request(request.url, { method: "POST", headers: { ...headers, "mcp-session-id": this.id } });
    await this.#transport.handleRequest(initialized, { parsedBody: { jsonrpc: "2.0", method: "notifications/initialized" } });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
