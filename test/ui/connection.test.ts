import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import type { Page } from "playwright-core";
import { inBrowser } from "./browser.ts";
import { Cable } from "./cable.ts";
import { isLive, World } from "./world.ts";

inBrowser("the connection", () => {
  let world: World;
  let cable: Cable;

  beforeAll(async () => {
    world = await World.start();
    cable = await Cable.to(world.url);
  });

  afterEach(async () => {
    cable.mend();
    cable.refusesSockets = false;
    await world.endTest();
  });

  afterAll(async () => {
    await cable.stop();
    await world.stop();
  });

  test("is one for all tabs, over a WebSocket", async () => {
    const first = await world.open();
    const second = await world.open();
    for (const page of [first, second]) {
      await page.getByRole("button", { name: "Connection: Live. By WebSocket, shared by 2 tabs." }).waitFor();
    }
    expect((await world.client.server.connections()).map(({ transport }) => transport)).toEqual(["ws"]);
    await second.close();
    await first.getByRole("button", { name: "Connection: Live. By WebSocket." }).waitFor();
    const note = await world.note({ title: "Seen by the one that is left" });
    await first.getByText(note.title).waitFor();
  });

  test("is made by Server-Sent Events where no WebSocket gets through", async () => {
    cable.refusesSockets = true;
    const page = await world.browser.page();
    await page.goto(`${cable.url}/`);
    await page.getByRole("button", { name: "Connection: Live. By Server-Sent Events." }).waitFor();
    await world.note({ title: "Carried by SSE" });
    await page.getByText("Carried by SSE").waitFor();
  });

  test("serves more tabs than a browser opens connections, by whatever way it is made", async () => {
    cable.refusesSockets = true;
    const pages: Page[] = [];
    for (let tab = 0; tab < 8; tab++) {
      const page = await world.browser.page();
      await page.goto(`${cable.url}/`);
      pages.push(page);
    }
    await pages[0]?.getByRole("button", { name: "Connection: Live. By Server-Sent Events, shared by 8 tabs." }).waitFor();
    await world.note({ title: "For eight readers" });
    for (const page of pages) await page.getByText("For eight readers").waitFor();
    expect((await world.client.server.connections()).map(({ transport }) => transport)).toEqual(["sse"]);
  });

  test("breaks in sight, comes back by itself, and what happened meanwhile appears", async () => {
    world.browser.expectComplaints(/net::ERR_/);
    const note = await world.note({ title: "Before the cut", content: "Before." });
    const page = await world.browser.page();
    await page.goto(`${cable.url}/#/notes/${note.id}`);
    await isLive(page);
    await page.locator(".preview").getByText("Before.").waitFor();

    cable.cut();
    await page.getByRole("button", { name: /^Connection: Reconnecting in \d+ s/ }).waitFor();
    await world.browser.context.setOffline(true);
    await page.getByRole("button", { name: "Connection: Offline." }).waitFor();
    await world.client.notes.update(note.id, { content: "Changed in the dark." });
    await world.note({ title: "Made in the dark" });

    cable.mend();
    await world.browser.context.setOffline(false);
    await isLive(page);
    await page.locator(".preview").getByText("Changed in the dark.").waitFor();
    await page.getByText("Made in the dark").waitFor();
    await page.getByText("Note updated elsewhere").waitFor();
  });

  test("is tried again at once by a click", async () => {
    world.browser.expectComplaints(/net::ERR_/);
    const page = await world.browser.page();
    await page.goto(`${cable.url}/`);
    await isLive(page);
    cable.cut();
    const waiting = page.getByRole("button", { name: /^Connection: Reconnecting in ([3-9]|\d\d) s/ });
    await waiting.waitFor();
    cable.mend();
    await waiting.click();
    await page.getByRole("button", { name: /^Connection: Live/ }).waitFor({ timeout: 2000 });
  });
});

inBrowser("a server that dies", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ env: { MATRIC_JOB_ATTEMPTS: "3" } });
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("in the middle of a job and is started again: the page shows the job to its end", async () => {
    world.browser.expectComplaints(/net::ERR_/);
    const { page } = await world.openNote({ title: "Tough", content: "Old words." });
    await page.getByRole("button", { name: "Revise with AI" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revise" }).click();
    (await world.model.next()).say("Half a ");
    const strip = page.locator(".job-strip");
    await strip.getByText("Processing…").waitFor();

    await world.server.kill();
    await page.getByRole("button", { name: /^Connection: Reconnecting/ }).waitFor();
    await world.server.start();
    await isLive(page);
    const again = await world.model.next();
    again.say("The whole ");
    await strip.getByText("Processing, attempt 2").waitFor();
    again.finish("sentence.");
    await page.locator(".preview").getByText("The whole sentence.").waitFor();
    await page.getByText("Note updated by AI revision").waitFor();
  });

  test("and comes back with other data: what is shown is fetched anew", async () => {
    world.browser.expectComplaints(/net::ERR_|404/);
    const page = await world.open();
    const inspector = await world.open("#/events");
    await page.getByText("Tough").first().waitFor();
    await inspector.getByText("JobCompleted").waitFor();
    await world.server.kill();
    await rm(world.dataDir, { recursive: true });
    await mkdir(world.dataDir);
    await world.server.start();
    await page.getByText("No notes yet.").waitFor();
    await world.note({ title: "A new life" });
    await page.getByText("A new life").waitFor();
    await inspector.locator(".event-row").filter({ hasText: "NoteCreated" }).nth(1).waitFor();
    expect(await inspector.locator(".event-name").first().textContent()).toBe("NoteCreated");
  });
});
