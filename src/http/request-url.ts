const nowhere = "http://localhost";

/** Where a request goes. HTTP/1.0 needs no `Host`, then Bun tells the path alone; and `OPTIONS *` has no path. */
export function urlOf({ url }: Pick<Request, "url">): URL {
  return URL.parse(url.startsWith("/") ? `${nowhere}${url}` : url) ?? new URL(nowhere);
}
