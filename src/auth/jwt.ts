import type { JWTPayload, JWTVerifyGetKey } from "jose";
import type { Clock } from "../clock.ts";
import { MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type Scope, scopes } from "./contract.ts";
import { createPrincipal, type Principal } from "./principal.ts";

export interface JwtOptions {
  issuer: string;
  audience: string;
  fetch: (url: string, init?: RequestInit) => Promise<Response>;
  clock: Clock;
  logger: Logger;
}

/** Only signatures by a key pair: whoever can check one of these cannot make one. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const clockToleranceSeconds = 5;
const discoveryTimeoutMs = 5000;

/** Whether a bearer's credential has the form of a JWT: three parts with dots between them. */
export function looksLikeJwt(credential: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(credential);
}

/** Accepts the JWTs of one issuer, checked against the keys that it publishes. The library is loaded when the first one comes. */
export class JwtVerifier {
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(private readonly options: JwtOptions) {}

  /** Rejects with `unauthorized`, or with `unreachable` when the issuer's keys cannot be had. */
  async verify(credential: string): Promise<Principal> {
    const { issuer, audience, clock } = this.options;
    const { jwtVerify } = await import("jose");
    const keys = await this.#issuersKeys();
    try {
      const { payload } = await jwtVerify(credential, keys, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(clock.now()),
        requiredClaims: ["sub", "exp"],
      });
      return principalOf(payload);
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /** As OpenID Connect Discovery says; asked again after a failure. */
  #issuersKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#discover().catch((cause) => {
      this.#keys = undefined;
      this.options.logger.error("the keys of the JWT issuer cannot be had", { error: String(cause) });
      throw new MatricError(
        "unreachable",
        "The issuer of the token cannot be asked for its keys; try again later.",
        {},
        { cause },
      );
    });
    return this.#keys;
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const { createRemoteJWKSet, customFetch } = await import("jose");
    const { issuer, fetch } = this.options;
    const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await fetch(address, { signal: AbortSignal.timeout(discoveryTimeoutMs), redirect: "error" });
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    const configuration: unknown = await response.json();
    if (!hasKeysAddress(configuration)) throw new Error(`${address} names no jwks_uri`);
    return createRemoteJWKSet(new URL(configuration.jwks_uri), { [customFetch]: fetch });
  }

  #refusal(error: unknown): MatricError {
    if (error instanceof MatricError) return error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC", ""].includes(code)) {
      this.options.logger.error("the keys of the JWT issuer cannot be had", { error: String(error) });
      return new MatricError(
        "unreachable",
        "The issuer of the token cannot be asked for its keys; try again later.",
        {},
        { cause: error },
      );
    }
    const why = code === "ERR_JWT_EXPIRED" ? "has expired" : "is not one that is accepted here";
    return new MatricError("unauthorized", `The access token ${why}.`, {}, { cause: error });
  }
}

function principalOf({ sub, exp, scope, scp }: JWTPayload): Principal {
  // The types are those of a JWT that is as it should be; nobody has looked at `sub`.
  if (typeof sub !== "string" || sub === "" || exp === undefined) {
    throw new MatricError("unauthorized", "The access token does not say whose it is.");
  }
  return createPrincipal(sub.slice(0, 200), [...granted(scope), ...granted(scp)], exp * 1000);
}

/** `scope` is a text with blanks (RFC 8693); some issuers send a list, or call it `scp`. */
function granted(claim: unknown): Scope[] {
  const words = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim : [];
  return scopes.filter((scope) => words.includes(scope));
}

function hasKeysAddress(value: unknown): value is { jwks_uri: string } {
  return typeof value === "object" && value !== null && "jwks_uri" in value && typeof value.jwks_uri === "string";
}
