import { securityHeaders } from "./security-headers.ts";

/** Made once: a response takes a copy of it sooner than it reads an object. */
const headers = new Headers({ "content-type": "application/json", "cache-control": "no-store", ...securityHeaders });

/** An answer whose JSON text is there already: events are serialised once. */
export function jsonText(text: string, status = 200, more: Record<string, string> = {}): Response {
  const response = new Response(text, { status, headers });
  for (const name in more) response.headers.set(name, more[name] ?? "");
  return response;
}
