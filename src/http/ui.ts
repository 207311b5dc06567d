import { Elysia } from "elysia";
import { MatricError } from "../errors.ts";
import { loadPage, type ServedFile } from "./page-files.ts";
import { pageSecurityHeaders } from "./security-headers.ts";

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Scripts, styles and connections of this server alone, no inline script or style, and no text ever becomes a script. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify matric",
].join("; ");

const security = { ...pageSecurityHeaders, "content-security-policy": contentSecurityPolicy };

/** The page at `/`. */
export function pageRoutes() {
  // Built or read when somebody asks for it: most servers in tests never show it.
  const find = async (path: string) => (await loadPage()).get(path);
  return new Elysia({ name: "page" })
    .get("/", async ({ request }) => answer(request, await find("index.html"), "no-cache"), { detail: { hide: true } })
    .get("/assets/:name", async ({ request, params }) => answer(request, await find(`assets/${params.name}`), immutable), {
      detail: { hide: true },
    });
}

/** An asset's name changes with its content. */
const immutable = "public, max-age=31536000, immutable";

function answer(request: Request, file: ServedFile | undefined, caching: string): Response {
  if (!file) throw new MatricError("not_found", "The page has no such file; it may belong to another version. Reload the page.");
  const etag = `"${Bun.hash(file.body).toString(36)}"`;
  const headers = { ...security, "cache-control": caching, etag, vary: "accept-encoding" };
  if (request.headers.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers });
  const type = types[file.path.slice(file.path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  const { body, encoding } = encoded(request, file);
  return new Response(body, {
    headers: { ...headers, "content-type": type, ...(encoding ? { "content-encoding": encoding } : {}) },
  });
}

function encoded(request: Request, { body, br, gzip }: ServedFile): { body: Uint8Array<ArrayBuffer>; encoding?: string } {
  const accepted = request.headers.get("accept-encoding") ?? "";
  const takes = (name: string) => new RegExp(`(^|[\\s,])${name}($|[\\s,;])(?!\\s*q=0(\\.0*)?($|[\\s,]))`).test(accepted);
  if (takes("br")) return { body: br, encoding: "br" };
  if (takes("gzip")) return { body: gzip, encoding: "gzip" };
  return { body };
}
