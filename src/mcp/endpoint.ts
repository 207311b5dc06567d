import {
  type AuthInfo,
  createMcpHandler,
  isJsonContentType,
  isLegacyRequest,
  type McpHttpHandler,
  type McpRequestContext,
  type McpServerFactory,
  PROTOCOL_VERSION_META_KEY,
  type ServerEventBus,
} from "@modelcontextprotocol/server";
import type { Clock } from "../clock.ts";
import { type LimitName, MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { errorResponse, isObject, parseErrorCode, transportErrorCode } from "./json-rpc.ts";
import { scopesOfAll } from "./rights.ts";
import type { AnswerOf, WaitFor } from "./session-server.ts";
import { Sessions } from "./sessions.ts";
import { watchedStream } from "./watched-stream.ts";

const methods = ["GET", "POST", "DELETE"];
/** A client that takes nothing of its stream for so long is cut off. */
const stalledMs = 60_000;

/** Makes a server for one request of the present revision, or for a session of a 2025 one, that knows what has been waited for. */
export type EndpointFactory = (context: McpRequestContext, answerOf: AnswerOf) => ReturnType<McpServerFactory>;

export interface EndpointOptions {
  factory: EndpointFactory;
  /** Calls that can last are waited for before a server is made: an agent that waits then costs half of the memory. */
  waitFor?: WaitFor;
  /** Tells the subscribers of the present revision what has changed. */
  bus: ServerEventBus;
  clock: Clock;
  logger: Logger;
  /** Sessions of 2025 clients, and as many subscription streams of present ones. */
  sessionsMax: number;
  /** Of a request, as far as it may go. Rejects with `too_large`, `request_timeout` or `malformed`. */
  readBody: (request: Request) => Promise<Uint8Array>;
  /** Hears of every limit that is reached. Must not throw. */
  onLimit: (name: LimitName) => void;
}

/**
 * Streamable HTTP for both revisions of the protocol: requests of the present one (2026-07-28) stand alone, those of the 2025
 * ones belong to sessions. Who may ask, and from where, is for the caller to check.
 */
export class McpEndpoint {
  readonly #present: McpHttpHandler;
  readonly #sessions: Sessions;
  readonly #options: EndpointOptions;
  /** What the requests under way hold: the SDK does not hand it on. */
  readonly #messages = new WeakMap<Request, unknown>();
  #streams = 0;

  constructor(options: EndpointOptions) {
    const { factory, waitFor, bus, clock, logger, sessionsMax, onLimit } = options;
    this.#options = options;
    this.#sessions = new Sessions({ factory, waitFor, clock, logger, max: sessionsMax, stalledMs, onLimit });
    const createServer: McpServerFactory = async (context) => {
      const { requestInfo, authInfo } = context;
      const wait = requestInfo && waitFor?.(this.#messages.get(requestInfo));
      const answer = wait && (await wait({ authInfo, signal: requestInfo.signal }));
      return factory(context, () => answer);
    };
    this.#present = createMcpHandler(createServer, {
      legacy: "reject",
      maxSubscriptions: sessionsMax,
      bus,
      onerror: (error) => logger.debug("a request was refused", { error: error.message }),
    });
  }

  /** How many sessions and subscription streams are open. */
  status(): { sessions: number; streams: number } {
    return { sessions: this.#sessions.count, streams: this.#streams };
  }

  /** `authInfo` is whom the request has been found to come from; its `clientId` becomes the id of the actor. */
  async handle(request: Request, authInfo?: AuthInfo): Promise<Response> {
    let body: unknown;
    if (!methods.includes(request.method)) {
      const allow = methods.join(", ");
      return errorResponse(405, transportErrorCode, `This address takes ${allow}.`, { allow });
    }
    if (request.method === "POST") {
      if (!isJsonContentType(request.headers.get("content-type"))) {
        return errorResponse(415, transportErrorCode, "Send the message as Content-Type: application/json.");
      }
      try {
        body = JSON.parse(new TextDecoder().decode(await this.#options.readBody(request)));
      } catch (error) {
        if (error instanceof MatricError) return this.#refuse(error);
        return errorResponse(400, parseErrorCode, "Parse error: the body is not valid JSON.");
      }
    }
    if (authInfo && isListen(body) && !scopesOfAll.every((scope) => authInfo.scopes.includes(scope))) {
      // One stream of the protocol tells of every resource that was asked for.
      return errorResponse(403, transportErrorCode, `subscriptions/listen needs the scopes ${scopesOfAll.join(", ")}.`);
    }
    if (await isOf2025(request, body)) return this.#sessions.handle(request, body, authInfo);
    this.#messages.set(request, body);
    const response = await this.#present.fetch(request, { parsedBody: body, ...(authInfo && { authInfo }) });
    if (response.headers.get("content-type") !== "text/event-stream") return response;
    this.#streams++;
    return watchedStream(response, { clock: this.#options.clock, stalledMs, onEnd: () => this.#streams-- });
  }

  /** A body that cannot be had. */
  #refuse({ code, message, details: { limit } }: MatricError): Response {
    if (limit) this.#options.onLimit(limit);
    if (code === "too_large") return errorResponse(413, transportErrorCode, message);
    // The rest of the body is still on its way: it must not be taken for another request.
    if (code === "request_timeout") return errorResponse(408, transportErrorCode, message, { connection: "close" });
    return errorResponse(400, parseErrorCode, message);
  }

  /** Ends every stream and session; subscribers of the present revision are told. */
  async stop(): Promise<void> {
    await Promise.all([this.#present.close(), this.#sessions.stop()]);
  }
}

/** By what only clients of the one or the other send; where that is not clear, the SDK decides. */
async function isOf2025(request: Request, body: unknown): Promise<boolean> {
  const hasMethod = request.headers.has("mcp-method");
  if (!hasMethod && (request.headers.has("mcp-session-id") || isHandshake(request, body))) return true;
  return hasMethod && saysRevision(body) ? false : isLegacyRequest(request, body);
}

/** The first message of a session, which the present revision does not have. To ask the SDK costs as much memory as to serve it. */
function isHandshake(request: Request, body: unknown): boolean {
  return request.method === "POST" && isObject(body) && body.method === "initialize" && !saysRevision(body);
}

function saysRevision(body: unknown): boolean {
  const params = isObject(body) && isObject(body.params) ? body.params : {};
  return isObject(params._meta) && typeof params._meta[PROTOCOL_VERSION_META_KEY] === "string";
}

function isListen(body: unknown): boolean {
  const messages = Array.isArray(body) ? body : [body];
  return messages.some((one) => isObject(one) && one.method === "subscriptions/listen");
}
