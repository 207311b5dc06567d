import type { Config } from "../config.ts";
import { MatricError } from "../errors.ts";

/**
 * Refuses what a page of somebody else's makes a browser send (`forbidden`): a request with an `Origin` that is neither the
 * server's own nor in MATRIC_ALLOWED_ORIGINS, and, for a server on a loopback address, one to a name that is not this machine's
 * (DNS rebinding). Programs send no `Origin`.
 */
export function checkOrigin(request: Request, { host, allowedOrigins }: Pick<Config, "host" | "allowedOrigins">): void {
  const origin = request.headers.get("origin");
  const addressed = request.headers.get("host");
  if (addressed !== null && isLoopback(host) && !isLoopback(hostname(addressed))) {
    const isAllowed = allowedOrigins.some((allowed) => hostOf(allowed) === addressed.toLowerCase());
    if (!isAllowed) throw refused(`to the host "${addressed}"`);
  }
  if (origin === null || allowedOrigins.includes(origin.toLowerCase())) return;
  if (addressed === null || hostOf(origin) !== addressed.toLowerCase()) throw refused(`from the origin "${origin}"`);
}

function refused(what: string): MatricError {
  const message = `Requests ${what.slice(0, 200)} are not allowed here; MATRIC_ALLOWED_ORIGINS names the origins that are.`;
  return new MatricError("forbidden", message);
}

/** `https://notes.example:8443` → `notes.example:8443`; undefined for what is no origin (`null` for one). */
function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}

function hostname(host: string): string {
  return URL.parse(`http://${host}`)?.hostname ?? host;
}

function isLoopback(name: string): boolean {
  return /^(localhost|(.+\.)?localhost\.?|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(name);
}
