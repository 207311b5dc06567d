import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { EventPage } from "../../src/events/contract.ts";
import { Note } from "../../src/notes/contract.ts";
import { type AuthApp, bearer, startAuthApp } from "../support/auth.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { inBrowser } from "./browser.ts";
import { TestBrowser } from "./chromium.ts";

const script = join(import.meta.dir, "../fixtures/evil/page.js");
const html =
  '<!doctype html><title>evil</title><body><script type="module">import * as evil from "/page.js"; window.evil = evil;</script>';

/** A name of the attacker's that leads to this machine, as after a rebinding of DNS. */
const rebound = "rebound.example";

/** Without the browser's own protection, which older ones do not have: the server is to refuse by itself. */
const flags = [
  `--host-resolver-rules=MAP ${rebound} 127.0.0.1`,
  "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights",
];

/** The attacker's pages; `/redirect` sends whoever comes on to `?to=`, with the method and body that it came with. */
function startEvil() {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/redirect") return Response.redirect(searchParams.get("to") ?? "/", 307);
      if (pathname === "/page.js") return new Response(Bun.file(script));
      return new Response(html, { headers: { "content-type": "text/html" } });
    },
  });
}

/** What a page may be told: that it was refused, or nothing of what came. */
const harmless: Record<string, string[]> = {
  "read without CORS": ["opaque", "refused"],
  "write without a preflight": ["opaque", "refused"],
  "write after a redirect": ["opaque", "refused"],
  pause: ["opaque", "refused"],
  ticket: ["opaque", "refused"],
  beacon: ["sent", "refused"],
  // A frame "loads" also what it does not show.
  "frame plain": ["loaded"],
  "frame encoded": ["loaded"],
  "form plain": ["sent"],
  "form encoded": ["sent"],
  "form new-window": ["sent"],
};

/** What the server has answered so far, but to those who ask for this. */
async function requestsByStatus(app: TestApp, headers: Record<string, string>): Promise<{ refused: number; others: number }> {
  const text = await (await app.fetch("/metrics", { headers })).text();
  const counts = [...text.matchAll(/^matric_http_request_duration_seconds_count\{.*route="(.*)",status="(\d+)"\} (\d+)$/gm)];
  const sum = (isWanted: (status: string) => boolean) =>
    counts
      .filter(([, route, status = ""]) => route !== "/metrics" && isWanted(status))
      .reduce((total, [, , , count]) => total + Number(count), 0);
  return { refused: sum((status) => status === "403"), others: sum((status) => status !== "403") };
}

inBrowser("a page of another site", () => {
  let evil: ReturnType<typeof startEvil>;
  let browser: TestBrowser;
  let open: TestApp;
  let closed: AuthApp;

  beforeAll(async () => {
    evil = startEvil();
    browser = await TestBrowser.open({}, flags);
    open = await startApp();
    closed = await startAuthApp();
  });

  afterEach(async () => {
    // The browser complains of all that it was refused.
    browser.takeProblems();
    await browser.closePages();
  });

  afterAll(async () => {
    await browser.close();
    await open.stop();
    await closed.app.stop();
    await evil.stop(true);
  });

  /** A page at `url`, and what it got of everything it tried on the server: only refusals, and nothing changed. */
  async function attack(url: string, app: TestApp, headers: Record<string, string>): Promise<void> {
    const { body: note } = await app.call(Note, "POST", "/notes", { body: { title: "Mine", content: "secret words" }, headers });
    const log = async () =>
      (await app.call(EventPage, "GET", "/events", { headers: { ...headers, accept: "application/json" } })).body.items.length;
    const before = await log();
    const page = await browser.page();
    const counted = await requestsByStatus(app, headers);
    await page.goto(url);
    await page.waitForFunction("window.evil !== undefined");
    const seen = await page.evaluate<Record<string, string>>(`evil.tryEverything(${JSON.stringify(app.url)}, "${note.id}")`);
    for (const [name, outcome] of Object.entries(seen))
      expect([name, (harmless[name] ?? ["refused"]).includes(outcome), outcome]).toEqual([name, true, outcome]);
    expect(Object.keys(seen).length).toBeGreaterThan(25);
    // It was the server that refused them, and not the browser, which sends some of them once for all.
    const { refused, others } = await requestsByStatus(app, headers);
    expect(refused - counted.refused).toBeGreaterThan(20);
    expect(others - counted.others).toBe(0);
    expect(await log()).toBe(before);
    const Page = Type.Object({ items: Type.Array(Note), next_cursor: Type.Union([Type.String(), Type.Null()]) });
    const { items } = (await app.call(Page, "GET", "/notes", { headers })).body;
    expect(items.filter(({ title }) => title === "Stolen")).toEqual([]);
    expect(items.find(({ id }) => id === note.id)).toMatchObject({ version: 1, content: "secret words" });
  }

  /** Of the same site as far as cookies go, which know no ports, and of another one. */
  describe.each(["127.0.0.1", "localhost"])("at http://%s", (host) => {
    test("gets nothing from a server that asks nobody for a token, and changes nothing", async () => {
      await attack(`http://${host}:${evil.port}/`, open, {});
    });

    test("gets nothing with the cookie of the user who has signed in, and changes nothing", async () => {
      const page = await browser.page();
      await page.goto(`${closed.app.url}/swagger`);
      const status = await page.evaluate(async (token) => {
        const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }) };
        return (await fetch("/api/v1/session", init)).status;
      }, closed.admin);
      expect(status).toBe(200);
      await attack(`http://${host}:${evil.port}/`, closed.app, bearer(closed.admin));
      // Nor was the user signed out.
      expect(await page.evaluate(async () => (await fetch("/api/v1/session")).status)).toBe(200);
    });
  });

  test("whose name is made to lead to this machine is refused by that name", async () => {
    const url = `http://${rebound}:${new URL(open.url).port}`;
    const page = await browser.page();
    expect((await page.goto(`${url}/`))?.status()).toBe(403);
    // The page that the attacker served before the name was changed.
    for (const path of ["/before", "/page.js"]) {
      await page.route(`${url}${path}`, async (route) =>
        route.fulfill({ response: await route.fetch({ url: `http://127.0.0.1:${evil.port}${path}` }) }),
      );
    }
    await page.goto(`${url}/before`);
    await page.waitForFunction("window.evil !== undefined");
    const seen = await page.evaluate("evil.tryAsOwn()");
    expect(seen).toEqual([403, 403, 403, 403, "refused", "refused"]);
  });
});
