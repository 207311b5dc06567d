import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { certificateFor, LiveCertificate } from "../support/certificate.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { inBrowser } from "../ui/browser.ts";
import { TestBrowser } from "../ui/chromium.ts";
import { isLive } from "../ui/world.ts";

setDefaultTimeout(60_000);

inBrowser("a server with a certificate of its own", () => {
  let files: LiveCertificate;
  let app: TestApp;
  let browser: TestBrowser;
  beforeAll(async () => {
    const certificate = certificateFor("localhost");
    files = new LiveCertificate(certificate);
    app = await startApp({ tlsCert: files.certFile, tlsKey: files.keyFile });
    browser = await TestBrowser.open({ ignoreHTTPSErrors: true });
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
    files.remove();
  });

  test("shows its page, which is live, and lets it have twenty streams beside its requests", async () => {
    const page = await browser.page();
    await page.goto(app.url);
    await isLive(page);
    // A connection of HTTP/1.1 would be taken by each, and a browser has six.
    const opened = await page.evaluate<string[]>(`Promise.all(Array.from({ length: 20 }, () => new Promise((resolve) => {
      new EventSource("/api/v1/events").addEventListener("ConnectionOpened", ({ type }) => resolve(type));
    })))`);
    expect(opened).toHaveLength(20);
    expect(await page.evaluate<number>(`fetch("/api/v1/notes").then(({ status }) => status)`)).toBe(200);
    expect(await page.evaluate<string>("performance.getEntriesByType('navigation')[0].nextHopProtocol")).toBe("h2");
    expect(browser.takeProblems()).toEqual([]);
  });
});
