import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { createClient } from "../../src/client/client.ts";
import type { CreateWebhook } from "../../src/webhooks/contract.ts";
import { eventually } from "../support/eventually.ts";
import { Receiver } from "../support/receiver.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { inBrowser } from "./browser.ts";
import { TestBrowser } from "./chromium.ts";
import { HurriedClock } from "./hurried-clock.ts";
import { clickTwice, doubleClick, holdEnter, isLive, World } from "./world.ts";

inBrowser("webhooks", () => {
  let world: World;
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = new Receiver();
    world = await World.start({ env: { MATRIC_WEBHOOK_ALLOW: "127.0.0.1" } });
  });

  beforeEach(() => {
    receiver.answer = () => new Response("ok");
  });

  afterEach(async () => {
    for (const { id } of (await world.client.webhooks.list()).items) await world.client.webhooks.remove(id);
    await world.endTest();
  });

  afterAll(async () => {
    await world.stop();
    await receiver.stop();
  });

  const hook = (more: Partial<CreateWebhook> = {}) =>
    world.client.webhooks.create({ url: `${receiver.url}/hook`, events: ["Something"], ...more });

  test("are added with a secret that is shown once, and tested", async () => {
    const page = await world.open("#/webhooks");
    await page.getByText("None yet.").waitFor();
    await page.getByRole("button", { name: "Add" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a webhook" });
    await dialog.getByLabel("URL").fill(`${receiver.url}/new`);
    await dialog.getByLabel("Events").fill("NoteCreated, Job*");
    await dialog.getByLabel("Description").fill("The deploy robot");
    await clickTwice(dialog.getByRole("button", { name: "Add" }));
    await page
      .getByRole("dialog")
      .getByText(/^whsec_/)
      .waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("link", { name: /The deploy robot/ }).waitFor();
    expect((await world.client.webhooks.list()).items.map(({ events }) => events)).toEqual([["NoteCreated", "Job*"]]);

    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("The receiver took the test event.").waitFor();
    expect(await page.getByText(/whsec_/).count()).toBe(0);
    receiver.answer = () => new Response("Not today", { status: 503 });
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("The receiver did not take the test event.").waitFor();
    await page.locator(".tested summary").click();
    await page.locator(".tested").getByText("Not today").waitFor();
  });

  test("whose address is not allowed are refused with the reason", async () => {
    world.browser.expectComplaints(/422/);
    const page = await world.open("#/webhooks");
    await page.getByRole("button", { name: "Add" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("URL").fill("http://10.0.0.1/hook");
    await dialog.getByRole("button", { name: "Add" }).click();
    await dialog
      .getByRole("alert")
      .getByText(/10\.0\.0\.1/)
      .waitFor();
  });

  test("show what was sent, with every attempt and all that was said", async () => {
    const { id } = await hook();
    const page = await world.open(`#/webhooks/${id}`);
    let calls = 0;
    receiver.answer = () => new Response(calls === 0 ? "busy" : "thanks", { status: calls++ === 0 ? 500 : 200 });
    await world.client.events.publish({ event: "Something", data: {} });
    const delivery = page.locator(".delivery").filter({ hasText: "Something" });
    await delivery.getByText("200, 2 attempts").waitFor();
    await delivery.getByRole("button", { name: /Something$/ }).click();
    await delivery.getByText("Attempt 1").click();
    await delivery.getByText("http_error").waitFor();
    await delivery.getByText("busy").waitFor();
    await delivery.getByText("Attempt 2").click();
    await delivery
      .getByText(/x-matric-signature: /i)
      .last()
      .waitFor();
    await page.getByLabel("Show deliveries").selectOption("exhausted");
    await page.getByText("Nothing was sent yet.").waitFor();
  });

  test("show what is planned only after the page has looked for it", async () => {
    const { id } = await hook();
    const page = await world.open(`#/webhooks/${id}`);
    await page.getByText("Nothing was sent yet.").waitFor();
    let [isSent, early] = [false, 0];
    await page.route(/\/deliveries\?/, async (route) => {
      if (early > 0) return route.continue();
      if (isSent) early++;
      return route.fulfill({ json: { items: [], next_cursor: null } });
    });
    await world.client.events.publish({ event: "Something", data: {} });
    await eventually(async () => (await world.client.webhooks.deliveries(id)).items[0]?.status === "delivered");
    isSent = true;
    await page.locator(".delivery").getByText("200, 1 attempt").waitFor();
  });

  test("are disabled and enabled, and get what was held", async () => {
    const { id } = await hook();
    const page = await world.open(`#/webhooks/${id}`);
    await page.getByRole("button", { name: "Disable" }).click();
    await page
      .getByText(/on request/)
      .first()
      .waitFor();
    const before = receiver.requests.length;
    await world.client.events.publish({ event: "Something", data: { held: true } });
    await page.getByRole("button", { name: "Enable" }).click();
    await page.locator(".delivery").getByText("200, 1 attempt").waitFor();
    expect(receiver.requests.length).toBe(before + 1);
  });

  test("are sent a span of the log again, after its size was told", async () => {
    for (let index = 0; index < 3; index++) await world.client.events.publish({ event: "Something", data: { index } });
    const { id } = await hook();
    const page = await world.open(`#/webhooks/${id}`);
    await page.getByRole("button", { name: "Replay" }).click();
    const dialog = page.getByRole("dialog", { name: "Send events again" });
    // Whoever clicks twice, or holds a key, has not read how many there are.
    const send = dialog.getByRole("button", { name: /^Send \d+ events/ });
    await dialog.getByLabel("Since").fill("earliest");
    await holdEnter(page);
    await send.waitFor();
    await dialog.getByLabel("Since").fill("1h");
    await doubleClick(dialog.getByRole("button", { name: "Count" }));
    const count = Number(/\d+/.exec((await send.textContent()) ?? "")?.[0]);
    expect(count).toBeGreaterThanOrEqual(3);
    await clickTwice(send);
    await page.getByText(`${count} events on their way again`).waitFor();
    await eventually(async () => (await page.locator(".delivery").getByText("200, 1 attempt").count()) === count);
  });

  test("are removed when the person has confirmed it", async () => {
    const { id } = await hook();
    const page = await world.open(`#/webhooks/${id}`);
    page.once("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByText("None yet.").waitFor();
    expect((await world.client.webhooks.list()).items).toEqual([]);
  });
});

/** Four retries take two and a half minutes: here the clock is hurried, for which the server has to run in this process. */
inBrowser("a webhook whose receiver is broken", () => {
  let app: TestApp;
  let receiver: Receiver;
  let browser: TestBrowser;

  beforeAll(async () => {
    receiver = new Receiver(() => new Response("", { status: 500 }));
    app = await startApp({ webhookAllow: ["127.0.0.1"] }, { clock: new HurriedClock(20) });
    browser = await TestBrowser.open();
  });

  afterAll(async () => {
    await browser.close();
    await app.stop();
    await receiver.stop();
  });

  test("is told of on every view, and works again after Retry", async () => {
    const client = createClient({ url: app.url });
    const { id } = await client.webhooks.create({ url: `${receiver.url}/hook`, events: ["Something"] });
    const page = await browser.page();
    await page.goto(app.url);
    await isLive(page);
    await client.events.publish({ event: "Something", data: {} });
    const banner = page.locator(".banner");
    await banner.getByText(/has failed\. Its events are held/).waitFor({ timeout: 30_000 });
    await page.getByRole("link", { name: "Events" }).click();
    await banner.waitFor();
    await banner.getByRole("link", { name: "Look at it" }).click();
    const detail = page.getByRole("region", { name: "Webhook", exact: true });
    await detail.getByText(/all retries were in vain; tried again at \d\d:\d\d/).waitFor();
    await detail.getByText(/given up: 500, 5 attempts/).waitFor();

    receiver.answer = () => new Response("ok");
    await detail.getByRole("button", { name: "Retry Something" }).click();
    await detail.getByText("200, 6 attempts").waitFor();
    await banner.waitFor({ state: "detached" });
    expect((await client.webhooks.get(id)).status).toBe("active");
    expect(browser.takeProblems()).toEqual([]);
  });
});
