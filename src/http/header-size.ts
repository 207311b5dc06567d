import { estimateShallowMemoryUsageOf } from "bun:jsc";
import { MatricError } from "../errors.ts";

/**
 * What Bun reads before it closes a connection with an empty 431, in multiples of our limit: up to there we see the request, and
 * can say what is wrong with it. By HTTP/2 it reads 64 KiB, whatever we say.
 */
export const readHeadersFactor = 4;

/**
 * Whether first line and headers may be larger than `bytesMax`; never false when they are. This is asked of every request: what
 * the headers take in memory is known without looking at each, which would be ten times as slow.
 */
export function mayHaveLargeHeaders({ url, headers }: Request, bytesMax: number): boolean {
  return url.length + 2 * estimateShallowMemoryUsageOf(headers) > bytesMax;
}

/**
 * Throws `headers_too_large` when first line and headers are larger, as they stand in a request by HTTP/1.1. Of a header that came
 * several times we see all values under one name: what its repeated names are larger by is bounded by what Bun reads.
 */
export function refuseLargeHeaders({ method, url, headers }: Request, bytesMax: number): void {
  let bytes = `${method} ${url.replace(/^https?:\/\/[^/]*/, "")} HTTP/1.1\r\n\r\n`.length;
  for (const [name, value] of headers) bytes += `${name}: ${value}\r\n`.length;
  if (bytes <= bytesMax) return;
  const message = `The address and the headers have ${bytes} bytes; at most ${bytesMax} are taken.`;
  throw new MatricError("headers_too_large", message, { limit: "header_bytes" });
}
