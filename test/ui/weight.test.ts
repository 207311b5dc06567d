import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { inBrowser } from "./browser.ts";
import { editorOf, World } from "./world.ts";

const bytesMost = 150_000;

inBrowser("the page's weight", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("is under 150 KB over the wire, with the editor and without the charts", async () => {
    const note = await world.note();
    const page = await world.browser.page();
    const session = await world.browser.context.newCDPSession(page);
    await session.send("Network.enable");
    const files = new Map<string, string>();
    let bytes = 0;
    session.on("Network.responseReceived", ({ requestId, response }) => {
      if (!response.url.includes("/api/")) files.set(requestId, response.url);
    });
    session.on("Network.dataReceived", ({ requestId, encodedDataLength }) => {
      if (files.has(requestId)) bytes += encodedDataLength;
    });
    await page.goto(`${world.url}/#/notes/${note.id}`);
    await editorOf(page).waitFor();
    await page.locator(".preview").getByText("Some words.").waitFor();
    expect([...files.values()].every((url) => url.startsWith(world.url))).toBe(true);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(bytesMost);
    process.stdout.write(`the page weighs ${(bytes / 1000).toFixed(1)} KB compressed, in ${files.size} files\n`);
  });
});
