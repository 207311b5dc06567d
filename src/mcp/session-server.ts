import {
  type CallToolResult,
  type JSONRPCMessage,
  type MessageExtraInfo,
  ProtocolErrorCode,
  type RequestId,
  type Transport,
} from "@modelcontextprotocol/server";
import type { CallOrigin } from "./call-tool.ts";
import { isObject, requestIdOf } from "./json-rpc.ts";

/** The answer to a call that has been waited for already. */
export type AnswerOf = (id: RequestId) => CallToolResult | undefined;

/** How to wait for what a message asks for, if it is a call that can last. The wait never rejects. */
export type WaitFor = (message: unknown) => ((origin: CallOrigin) => Promise<CallToolResult>) | undefined;

export interface SessionServerOptions {
  create: (answerOf: AnswerOf) => Promise<{ connect(transport: Transport): Promise<void> }>;
  waitFor: WaitFor | undefined;
  onError: (error: unknown) => void;
}

/**
 * What answers behind the transport of a session. A server of the protocol is there only while it has something to do: while
 * its agent does nothing but wait, as a thousand others may, there is none, and the next message has one made.
 */
export class SessionServer {
  readonly #waiting = new Map<RequestId, AbortController>();
  readonly #answers = new Map<RequestId, CallToolResult>();
  /** What the server has been asked and has not answered. */
  readonly #asked = new Set<RequestId>();
  #server: Promise<Transport> | undefined;
  /** A server that has subscriptions stays. */
  #hasSubscriptions = false;

  constructor(
    private readonly transport: Transport,
    private readonly options: SessionServerOptions,
  ) {}

  receive(message: JSONRPCMessage, extra: MessageExtraInfo | undefined): void {
    const id = requestIdOf(message);
    const wait = id === undefined ? undefined : this.options.waitFor?.(message);
    // One id for two calls at once: only the server knows what to make of that.
    if (id !== undefined && wait && !this.#waiting.has(id)) this.#wait(id, wait, message, extra);
    else if (!this.#cancel(message)) this.#deliver(message, extra);
  }

  close(): void {
    for (const controller of this.#waiting.values()) controller.abort();
    this.#letGo();
  }

  #wait(id: RequestId, wait: NonNullable<ReturnType<WaitFor>>, message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.#waiting.set(id, controller);
    this.#rest();
    // A connection that breaks does not cancel the call; but nobody waits for it any more.
    const waited = wait({ authInfo: extra?.authInfo, signal, connection: extra?.request?.signal });
    waited
      .then((answer) => {
        this.#waiting.delete(id);
        // Who cancels a call gets no answer.
        if (signal.aborted) return;
        this.#answers.set(id, answer);
        this.#deliver(message, extra);
      })
      .catch(this.options.onError);
  }

  /** Whether the message cancels a call that is being waited for: the server knows nothing of it. */
  #cancel(message: JSONRPCMessage): boolean {
    if (!("method" in message) || message.method !== "notifications/cancelled" || !isObject(message.params)) return false;
    const { requestId } = message.params;
    if (typeof requestId !== "string" && typeof requestId !== "number") return false;
    this.#release(requestId);
    const waiting = this.#waiting.get(requestId);
    waiting?.abort();
    return waiting !== undefined;
  }

  #deliver(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    const id = requestIdOf(message);
    if (id !== undefined) this.#asked.add(id);
    if ("method" in message && message.method === "resources/subscribe") this.#hasSubscriptions = true;
    this.#server ??= this.#create();
    const server = this.#server;
    server.then((made) => made.onmessage?.(message, extra)).catch((error) => this.#fail(server, id, error));
  }

  /** The next message has another server made; whoever asked this one is not left waiting. */
  #fail(server: Promise<Transport>, id: RequestId | undefined, error: unknown): void {
    this.options.onError(error);
    if (this.#server === server) {
      this.#server = undefined;
      this.#hasSubscriptions = false;
    }
    if (id === undefined || !this.#asked.has(id)) return;
    this.#release(id);
    const answer = { code: ProtocolErrorCode.InternalError, message: "Internal error" };
    this.transport.send({ jsonrpc: "2.0", id, error: answer }).catch(this.options.onError);
  }

  async #create(): Promise<Transport> {
    const { transport } = this;
    const relay: Transport = {
      ...(transport.sessionId !== undefined && { sessionId: transport.sessionId }),
      setSupportedProtocolVersions: (versions) => transport.setSupportedProtocolVersions?.(versions),
      async start() {},
      send: async (message, options) => {
        try {
          await transport.send(message, options);
        } finally {
          // Whom an answer does not reach does not get it from us a second time either.
          this.#sent(message);
        }
      },
      async close() {
        relay.onclose?.();
      },
    };
    const server = await this.options.create((id) => this.#answers.get(id));
    await server.connect(relay);
    return relay;
  }

  #sent(message: JSONRPCMessage): void {
    if (!("result" in message || "error" in message) || message.id === undefined) return;
    this.#release(message.id);
    this.#rest();
  }

  #release(id: RequestId): void {
    this.#asked.delete(id);
    this.#answers.delete(id);
  }

  #rest(): void {
    if (this.#waiting.size > 0 && this.#asked.size === 0 && !this.#hasSubscriptions) this.#letGo();
  }

  #letGo(): void {
    this.#server?.then((server) => server.close()).catch(this.options.onError);
    this.#server = undefined;
  }
}
