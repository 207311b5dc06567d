import type { Config } from "../config.ts";
import { MatricError } from "../errors.ts";
import { isLoopback } from "../setting.ts";
import { emptyAnswer } from "./empty.ts";
import { mayHaveLargeHeaders, refuseLargeHeaders } from "./header-size.ts";
import type { RateLimit } from "./limits.ts";
import { problemResponse } from "./problem.ts";

/** `undefined` where the connection has become a WebSocket. */
type Answer = Response | undefined;
export type Handle = (request: Request) => Answer | Promise<Answer>;

export interface GuardOptions {
  config: Pick<Config, "host" | "allowedOrigins" | "headerBytesMax">;
  /** Of requests by address; undefined where addresses are not counted. */
  rate: RateLimit | undefined;
  addressOf: (request: Request) => string;
  onRefusal: (error: MatricError) => void;
}

const preflightSeconds = 600;
const allowedMethods = "GET, HEAD, POST, PATCH, DELETE";
const allowedHeaders =
  "authorization, content-type, if-match, if-none-match, last-event-id, x-matric-actor, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, traceparent";
const exposedHeaders = "etag, location, retry-after, mcp-session-id";

/** Names in `Host` that were found good: nearly every request bears the same one. */
const goodHostsMax = 1000;

/**
 * Stands before every route, the page and MCP included. Refuses what a page of somebody else's makes a browser send, with auth on
 * or off: a request with an `Origin` that is neither the server's own nor in MATRIC_ALLOWED_ORIGINS; one that the browser itself
 * says comes from another site, unless the user follows a link; and, where the server is on a loopback address, one to a name that
 * is not this machine's (DNS rebinding). Programs send none of these headers.
 */
export class Guard {
  readonly #allowed: ReadonlySet<string>;
  readonly #allowedHosts: ReadonlySet<string>;
  readonly #isLocal: boolean;
  readonly #goodHosts = new Set<string>();

  constructor(private readonly options: GuardOptions) {
    const { host, allowedOrigins } = options.config;
    this.#allowed = new Set(allowedOrigins);
    this.#allowedHosts = new Set([host.toLowerCase(), ...allowedOrigins.flatMap((origin) => hostOf(origin) ?? [])]);
    this.#isLocal = isLoopback(host);
  }

  /** What is to handle the request: `next`, or something that refuses it. */
  handler(next: Handle, request: Request): Handle {
    const { headers } = request;
    const origin = headers.get("origin");
    const { rate, config } = this.options;
    const mayBeLarge = mayHaveLargeHeaders(request, config.headerBytesMax);
    const isPlain = origin === null && !rate && !mayBeLarge && headers.get("sec-fetch-site") === null;
    // Nearly all requests: of programs, or of the page itself.
    if (isPlain && this.#isGoodHost(headers.get("host"))) return next;
    try {
      rate?.take(this.options.addressOf(request));
      if (mayBeLarge) refuseLargeHeaders(request, config.headerBytesMax);
      return this.#check(next, request, origin);
    } catch (error) {
      if (!(error instanceof MatricError)) throw error;
      this.options.onRefusal(error);
      const isAllowed = origin !== null && this.#allowed.has(origin.toLowerCase());
      const response = problemResponse(error);
      return () => (isAllowed ? withCors(response, origin) : response);
    }
  }

  #check(next: Handle, request: Request, origin: string | null): Handle {
    const host = request.headers.get("host");
    if (!this.#isGoodHost(host)) {
      if (!this.#isLocal) throw new MatricError("malformed", "The header `Host` names no host.");
      throw refused(`to the host "${host}"`);
    }
    if (origin === null) {
      if (isForeign(request)) throw refused("from the pages of other sites");
      return next;
    }
    if (host !== null && this.#isOwn(origin, host, request.url)) return next;
    if (!this.#allowed.has(origin.toLowerCase())) throw refused(`from the origin "${origin}"`);
    if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) return () => preflight(origin);
    return async (again) => {
      const answer = await next(again);
      return answer && withCors(answer, origin);
    };
  }

  /**
   * Whether a page of this origin asks the server that it came from. A proxy may add the port that goes without saying, and may end
   * TLS; where we do that ourselves, a page that came without it is whatever somebody on the way made of it. A proxy in front of a
   * loopback address that ends TLS at another port than 443 is named in MATRIC_ALLOWED_ORIGINS.
   */
  #isOwn(origin: string, host: string, asked: string): boolean {
    const url = URL.parse(origin);
    if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return false;
    const isTls = url.protocol === "https:";
    if (asked.startsWith("https:") ? !isTls : isTls && this.#isLocal && url.port !== "") return false;
    const addressed = host.toLowerCase();
    return addressed === url.host || (url.port === "" && addressed === `${url.host}:${isTls ? 443 : 80}`);
  }

  #isGoodHost(host: string | null): boolean {
    if (host === null || this.#goodHosts.has(host)) return true;
    const name = nameIn(host);
    if (name === "") return false;
    if (this.#isLocal && !isLoopback(name) && !this.#allowedHosts.has(host.toLowerCase()) && !this.#allowedHosts.has(name)) {
      return false;
    }
    if (this.#goodHosts.size >= goodHostsMax) this.#goodHosts.clear();
    this.#goodHosts.add(host);
    return true;
  }
}

/** A browser says where a request comes from even when it sends no `Origin` along, with an image or a script for one. */
function isForeign({ headers }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return false;
  return headers.get("sec-fetch-mode") !== "navigate" || headers.get("sec-fetch-dest") !== "document";
}

function preflight(origin: string): Response {
  const headers = {
    "access-control-allow-methods": allowedMethods,
    "access-control-allow-headers": allowedHeaders,
    "access-control-max-age": String(preflightSeconds),
  };
  return withCors(emptyAnswer(204, headers), origin);
}

/** Without `Allow-Credentials`: pages of other origins show a token of their own, never the cookie of ours. */
function withCors(response: Response, origin: string): Response {
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-expose-headers", exposedHeaders);
  response.headers.set("cross-origin-resource-policy", "cross-origin");
  response.headers.append("vary", "origin");
  return response;
}

function refused(what: string): MatricError {
  const message = `Requests ${what.slice(0, 200)} are not allowed here; MATRIC_ALLOWED_ORIGINS names the origins that are.`;
  return new MatricError("forbidden", message);
}

/** `https://notes.example:8443` → `notes.example:8443`; undefined for what is no origin (`null` for one). */
function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host || undefined;
}

/** Without the port; empty when it is not the name of a host. */
function nameIn(host: string): string {
  return /^[\w.:[\]-]+$/.test(host) ? (URL.parse(`http://${host}`)?.hostname ?? "") : "";
}
