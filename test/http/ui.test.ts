import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { startApp, type TestApp } from "../support/start-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** Without decompressing: what comes over the wire. */
function get(path: string, headers: Record<string, string> = {}) {
  const init: BunFetchRequestInit = { headers: { "accept-encoding": "identity", ...headers }, decompress: false };
  return app.fetch(path, init);
}

async function assetPaths(): Promise<string[]> {
  return [...(await (await get("/")).text()).matchAll(/(?:src|href|data-stream)="(assets\/[^"]+)"/g)].map(
    ([, path]) => `/${path}`,
  );
}

describe("the page", () => {
  test("is sent with headers that forbid whatever it does not need", async () => {
    for (const path of ["/", ...(await assetPaths())]) {
      const { status, headers } = await get(path);
      expect({ path, status }).toEqual({ path, status: 200 });
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("style-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-frame-options")).toBe("DENY");
    }
  });

  test("names nothing that lies on another server", async () => {
    for (const path of ["/", ...(await assetPaths())]) {
      const text = await (await get(path)).text();
      expect(text.match(/(?:src|href)="https?:|@import\s+url|url\(["']?https?:/g)).toBeNull();
    }
  });

  test("comes compressed to those who take that, and means the same", async () => {
    const [path = ""] = (await assetPaths()).filter((one) => one.endsWith(".js"));
    const plain = Buffer.from(await (await get(path)).arrayBuffer());
    const br = await get(path, { "accept-encoding": "gzip, deflate, br, zstd" });
    expect(br.headers.get("content-encoding")).toBe("br");
    expect(br.headers.get("vary")).toBe("accept-encoding");
    expect(brotliDecompressSync(await br.arrayBuffer()).equals(plain)).toBe(true);
    const gzip = await get(path, { "accept-encoding": "gzip;q=0.8, br;q=0" });
    expect(gzip.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await gzip.arrayBuffer()).equals(plain)).toBe(true);
  });

  test("is asked for anew at every visit, its assets never", async () => {
    const page = await get("/");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const etag = page.headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    const again = await get("/", { "if-none-match": etag });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    const [asset = ""] = await assetPaths();
    expect((await get(asset)).headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  });

  test("answers HEAD, and refuses what it does not have", async () => {
    const head = await app.fetch("/", { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    const missing = await get("/assets/main-old.js");
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: "not_found" });
    expect((await get("/assets/..%2findex.html")).status).toBe(404);
    expect((await app.fetch("/", { method: "POST" })).status).toBe(405);
  });
});
