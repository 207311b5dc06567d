import { securityHeaders } from "./security-headers.ts";

const headers = { "content-type": "application/json", "cache-control": "no-store", ...securityHeaders };

/** An answer whose JSON text is there already: events are serialised once. */
export function jsonText(text: string, status = 200, more?: Record<string, string>): Response {
  return new Response(text, { status, headers: more ? { ...headers, ...more } : headers });
}
