import { securityHeaders } from "./security-headers.ts";

/** An answer without a body: 204, or 304 to a client that has it already. */
export function emptyAnswer(status: 204 | 304, more: Record<string, string> = {}): Response {
  return new Response(null, { status, headers: { ...securityHeaders, ...more } });
}
