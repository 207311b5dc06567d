const name = "matric_token";
/** Browsers keep no cookie for longer. */
const maxAgeSecondsMost = 400 * 86_400;

export interface CookieOptions {
  /** Of the token; null when it does not expire. */
  expiresInMs: number | null;
  /** Whether the page came over TLS: then the cookie never leaves it. */
  isSecure: boolean;
}

/** Keeps the token where no script can read it, and where no other site's requests take it along. */
export function cookieFor(token: string, { expiresInMs, isSecure }: CookieOptions): string {
  const seconds = Math.min(maxAgeSecondsMost, Math.floor((expiresInMs ?? Number.POSITIVE_INFINITY) / 1000));
  return `${name}=${token}; ${attributes(isSecure)}; Max-Age=${seconds}`;
}

export function noCookie(isSecure: boolean): string {
  return `${name}=; ${attributes(isSecure)}; Max-Age=0`;
}

/** The token in a `Cookie` header. */
export function tokenIn(header: string | null): string | undefined {
  if (header === null) return undefined;
  const [, token] = /(?:^|;\s*)matric_token=([^;\s]+)/.exec(header) ?? [];
  return token;
}

function attributes(isSecure: boolean): string {
  return `Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}
