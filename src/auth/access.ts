import type { Clock } from "../clock.ts";
import { MatricError } from "../errors.ts";
import { Holds } from "./holds.ts";
import type { JwtVerifier } from "./jwt.ts";
import { looksLikeJwt } from "./jwt.ts";
import { anybody, type Principal } from "./principal.ts";
import { Tickets } from "./tickets.ts";
import type { Tokens } from "./tokens.ts";

export interface AccessOptions {
  /** Off: everybody may do everything, and nobody is asked. */
  isOn: boolean;
  tokens: Tokens;
  jwt: JwtVerifier | undefined;
  clock: Clock;
  ticketsMax: number;
}

/** Who comes with which credential, and what is open in whose name. */
export class Access {
  readonly isOn: boolean;
  readonly tokens: Tokens;
  readonly tickets: Tickets;
  readonly holds: Holds;
  readonly #jwt: JwtVerifier | undefined;
  readonly #clock: Clock;

  constructor({ isOn, tokens, jwt, clock, ticketsMax }: AccessOptions) {
    this.isOn = isOn;
    this.tokens = tokens;
    this.#jwt = jwt;
    this.#clock = clock;
    this.tickets = new Tickets(clock, ticketsMax);
    this.holds = new Holds(clock, (id) => tokens.isRevoked(id));
    tokens.onRevoked((id) => this.holds.end(id, "revoked"));
  }

  /** Whom a token or JWT stands for; a promise only for JWTs. Throws or rejects with `unauthorized`. */
  verify(credential: string): Principal | Promise<Principal> {
    if (!this.isOn) return anybody;
    if (this.#jwt && looksLikeJwt(credential)) return this.#jwt.verify(credential);
    return this.tokens.verify(credential);
  }

  /** Whom a ticket was given to, if that may still come in. Throws `unauthorized`. */
  redeem(ticket: string): Principal {
    if (!this.isOn) return anybody;
    const principal = this.tickets.take(ticket);
    this.tokens.check(principal);
    const { expiresAtMs } = principal;
    if (expiresAtMs !== null && expiresAtMs <= this.#clock.now())
      throw new MatricError("unauthorized", "The access token has expired.");
    return principal;
  }

  /** Throws `unauthorized`. */
  missing(): never {
    throw new MatricError(
      "unauthorized",
      "This server wants to know who asks: send an access token as `Authorization: Bearer mtr_…`, or sign in on its page.",
    );
  }

  stop(): void {
    this.holds.stop();
  }
}
