import { type AuthInfo, isInitializeRequest } from "@modelcontextprotocol/server";
import { type Cancel, type Clock, every } from "../clock.ts";
import type { LimitName } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { EndpointFactory } from "./endpoint.ts";
import { errorResponse, sessionNotFoundCode, transportErrorCode } from "./json-rpc.ts";
import { isOver, waitsForAnswer } from "./replay-buffer.ts";
import { Session } from "./session.ts";
import type { WaitFor } from "./session-server.ts";

/** A session that nobody uses for so long is closed; its client does not notice, see `#takeUp`. */
const idleMs = 600_000;
const sweepMs = 60_000;
/** When there is no room: one that is idle for longer than any call can wait makes way. */
const makesWayMs = 60_000;
/** Sessions that were ended by their clients, of which we remember that. */
const endedMax = 1000;
/**
 * What the SDK leaves behind when it begins a session is ten times what a session holds. The collector would come when there
 * are tens of megabytes of it, and the pages stay; so it is called after so many sessions. It works beside us, not instead.
 */
const collectEvery = 32;
const idPattern = /^matric-[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

export interface SessionsOptions {
  factory: EndpointFactory;
  waitFor: WaitFor | undefined;
  clock: Clock;
  logger: Logger;
  max: number;
  stalledMs: number;
  onLimit: (name: LimitName) => void;
}

/** The sessions of clients that speak a 2025 revision of the protocol. */
export class Sessions {
  readonly #open = new Map<string, Session>();
  readonly #takingUp = new Map<string, Promise<Session | "full">>();
  readonly #ended = new Set<string>();
  readonly #cancelSweep: Cancel;
  #begun = 0;

  constructor(private readonly options: SessionsOptions) {
    this.#cancelSweep = every(options.clock, sweepMs, () => this.#sweep());
  }

  get count(): number {
    return this.#open.size;
  }

  async handle(request: Request, body: unknown, authInfo: AuthInfo | undefined): Promise<Response> {
    const id = request.headers.get("mcp-session-id");
    if (id === null) return this.#begin(request, body, authInfo);
    const open = this.#open.get(id);
    const isFollowing = request.method === "GET" && isOver(request.headers.get("last-event-id"));
    if (!open && isFollowing && this.#mayGoOn(id)) return nothingMore();
    const session = open ?? (await this.#takeUp(id, request, authInfo));
    if (session === "full") return this.#full();
    // Another token's session is no session, even for one that knows its id.
    if (!session || session.owner !== authInfo?.clientId) return errorResponse(404, sessionNotFoundCode, "Session not found");
    if (isFollowing) return nothingMore();
    if (request.method === "DELETE") this.#remember(session.id);
    return session.handle(request, body, authInfo);
  }

  async stop(): Promise<void> {
    this.#cancelSweep();
    await Promise.all([...this.#open.values()].map((session) => session.close()));
  }

  async #begin(request: Request, body: unknown, authInfo: AuthInfo | undefined): Promise<Response> {
    if (!isInitializeRequest(body)) {
      return errorResponse(400, transportErrorCode, "Send initialize first, then its Mcp-Session-Id with every request.");
    }
    const session = await this.#create(`matric-${crypto.randomUUID()}`, authInfo);
    if (session === "full") return this.#full();
    const response = await session.handle(request, body, authInfo);
    if (response.status !== 200) this.#close(session);
    return response;
  }

  #full(): Response {
    this.options.onLimit("mcp_sessions");
    const message = `The server has ${this.options.max} sessions already; try again later.`;
    return errorResponse(503, transportErrorCode, message, { "retry-after": "5" });
  }

  /**
   * A session that this process does not know, but may have been given out by the one before it, or closed since nobody used it:
   * many clients fail for good when they are told that it is gone, and nothing is lost by going on. Where something could be,
   * with its stream of notifications, the client is told.
   */
  async #takeUp(id: string, request: Request, authInfo: AuthInfo | undefined): Promise<Session | "full" | undefined> {
    const isCall = request.method === "POST" || waitsForAnswer(request.headers.get("last-event-id"));
    if (!isCall || !this.#mayGoOn(id)) return undefined;
    const taking = this.#takingUp.get(id) ?? this.#reopen(id, request, authInfo).finally(() => this.#takingUp.delete(id));
    this.#takingUp.set(id, taking);
    return taking;
  }

  #mayGoOn(id: string): boolean {
    return idPattern.test(id) && !this.#ended.has(id);
  }

  async #reopen(id: string, request: Request, authInfo: AuthInfo | undefined): Promise<Session | "full"> {
    const session = await this.#create(id, authInfo);
    if (session !== "full") await session.takeUp(request);
    return session;
  }

  async #create(id: string, authInfo: AuthInfo | undefined): Promise<Session | "full"> {
    const { factory, waitFor, clock, logger, max, stalledMs } = this.options;
    if (this.#open.size >= max && !this.#makeWay()) return "full";
    const session = await Session.open({
      id,
      owner: authInfo?.clientId,
      create: async (answerOf) => factory({ era: "legacy" }, answerOf),
      waitFor,
      onError: (error) => logger.warn("a message of a session was not served", { error: String(error) }),
      clock,
      stalledMs,
      onClose: () => this.#open.delete(id),
    });
    this.#open.set(id, session);
    if (++this.#begun % collectEvery === 0) Bun.gc(false);
    return session;
  }

  #remember(id: string): void {
    this.#ended.add(id);
    const [oldest = id] = this.#ended;
    if (this.#ended.size > endedMax) this.#ended.delete(oldest);
  }

  #makeWay(): boolean {
    const [idlest] = this.#idleFor(makesWayMs);
    if (idlest) this.#close(idlest);
    return idlest !== undefined;
  }

  #sweep(): void {
    for (const session of this.#idleFor(idleMs)) this.#close(session);
  }

  /** The sessions that nobody has used for so long, the longest unused first. */
  #idleFor(ms: number): Session[] {
    const until = this.options.clock.monotonicMs() - ms;
    return [...this.#open.values()]
      .flatMap((session) => {
        const sinceMs = session.idleSinceMs();
        return sinceMs === undefined || sinceMs > until ? [] : [{ session, sinceMs }];
      })
      .sort((a, b) => a.sinceMs - b.sinceMs)
      .map(({ session }) => session);
  }

  #close(session: Session): void {
    this.#open.delete(session.id);
    session.close().catch((error) => this.options.logger.warn("a session did not close", { error: String(error) }));
  }
}

/** In answer to a GET, 405 means that there is no stream to be had; clients take it for no failure, and do not come again. */
function nothingMore(): Response {
  const message = "The message of that Last-Event-ID is the last one of its stream.";
  return errorResponse(405, transportErrorCode, message, { allow: "GET, POST, DELETE" });
}
