import type { Access } from "../auth/access.ts";
import { anybody, type Principal, requireScopes } from "../auth/principal.ts";
import { MatricError } from "../errors.ts";
import { needOf, scopesOf } from "./access.ts";
import { tokenIn } from "./auth-cookie.ts";
import type { RateLimit } from "./limits.ts";
import { urlOf } from "./request-url.ts";

/** Where a ticket may stand in for a token. */
const ticketRoutes = new Set(["/api/v1/events", "/api/v1/ws"]);

/** Whom each request that was let in comes from. */
const principals = new WeakMap<Request, Principal>();

/** Undefined where nobody signs in, and before somebody has been let in. */
export function admittedAs(request: Request): Principal | undefined {
  return principals.get(request);
}

export interface GateOptions {
  access: Access;
  /** Of requests by token. */
  rate: RateLimit;
}

/** Finds out who makes a request, and whether it may: before its body is read, and before it becomes a WebSocket. */
export class Gate {
  constructor(private readonly options: GateOptions) {}

  /** A promise only where a JWT has to be checked. Throws `unauthorized`, `forbidden` or `rate_limited`. */
  admit(request: Request, route: string): void | Promise<void> {
    if (principals.has(request)) return;
    const need = needOf(request.method, route);
    if (need === "public") return;
    if (need === undefined) throw new MatricError("forbidden", "Nobody may use this address.");
    const found = this.#principalOf(request, route);
    // The socket asks for it itself.
    if (found === undefined && need === "in_band") return;
    if (found === undefined) this.options.access.missing();
    const scopes = scopesOf(need);
    const enter = (principal: Principal) => {
      requireScopes(principal, scopes);
      this.options.rate.take(principal.id ?? "");
      principals.set(request, principal);
    };
    return found instanceof Promise ? found.then(enter) : enter(found);
  }

  /** Whom a request comes from that was let in; undefined for a WebSocket whose client has not said yet. */
  principalOf(request: Request): Principal | undefined {
    return this.options.access.isOn ? principals.get(request) : anybody;
  }

  /** The same where nobody gets without saying. */
  callerOf(request: Request): Principal {
    const principal = this.principalOf(request);
    if (!principal) throw new Error("a request was not let in, and yet is handled");
    return principal;
  }

  /** A header counts before a ticket, that before the cookie: what was sent on purpose before what a browser sends by itself. */
  #principalOf(request: Request, route: string): Principal | Promise<Principal> | undefined {
    const { access } = this.options;
    const authorization = request.headers.get("authorization");
    if (authorization !== null) {
      const [, credential] = /^bearer +(\S+)$/i.exec(authorization) ?? [];
      if (credential === undefined) throw new MatricError("unauthorized", "Send the token as `Authorization: Bearer mtr_…`.");
      return access.verify(credential);
    }
    if (request.method === "GET" && ticketRoutes.has(route) && request.url.includes("ticket=")) {
      const ticket = urlOf(request).searchParams.get("ticket");
      if (ticket !== null) return access.redeem(ticket);
    }
    const cookie = tokenIn(request.headers.get("cookie"));
    return cookie === undefined ? undefined : access.verify(cookie);
  }
}
