import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { inBrowser } from "./browser.ts";
import { Cable } from "./cable.ts";
import { editorOf, isLive, networkIsBack, show, World } from "./world.ts";

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
    let looked = 0;
    page.on("requestfinished", (request) => {
      if (request.url().endsWith(`/notes/${note.id}`)) looked++;
    });
    await page.goto(`${cable.url}/#/notes/${note.id}`);
    await isLive(page);
    await page.locator(".preview").getByText("Before.").waitFor();
    // It looks the note up once more when it is connected: cut off before that, it would ask again before it hears who changed it.
    await eventually(() => looked >= 2);

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
    world.browser.expectComplaints(/net::ERR_|503/);
    const page = await world.browser.page();
    await page.goto(`${cable.url}/`);
    await isLive(page);
    cable.busyForSeconds = 120;
    cable.dropAll();
    await page.getByRole("button", { name: /^Connection: Reconnecting in 1\d\d s/ }).waitFor();
    cable.mend();
    await page.getByRole("button", { name: /^Connection: Reconnecting in/ }).click();
    await isLive(page);
  });
});

inBrowser("a server that dies", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ env: { MATRIC_JOB_ATTEMPTS: "3" } });
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  async function run(...args: string[]): Promise<void> {
    expect(await Bun.spawn([world.binary, ...args], { stdout: "ignore", stderr: "inherit" }).exited).toBe(0);
  }

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
    // By itself: that is left to chance, and half a minute at most.
    await isLive(page, 40_000);
    const again = await world.model.next();
    again.say("The whole ");
    await strip.getByText("Processing, attempt 2").waitFor();
    again.finish("sentence.");
    await page.locator(".preview").getByText("The whole sentence.").waitFor();
    await page.getByText("Note updated by AI revision").waitFor();
  });

  test("and is restored from a copy: the earlier text is shown, and what was written since is not lost", async () => {
    world.browser.expectComplaints(/net::ERR_/);
    const { page, note } = await world.openNote({ title: "Turned back", content: "In the copy." });
    const writing = await world.open(`#/notes/${(await world.note({ title: "Written on", content: "Start." })).id}`);
    const copy = join(world.dataDir, "..", "copy.db");
    await run("backup", copy, "--url", world.url);
    await world.client.notes.update(note.id, { content: "After the copy." });
    await page.locator(".preview").getByText("After the copy.").waitFor();
    await show(writing, "Both");
    await editorOf(writing).click();
    await writing.keyboard.press("Control+End");
    await writing.keyboard.type(" Saved.");
    await writing.keyboard.press("Control+s");
    await writing.getByRole("button", { name: "Saved" }).waitFor();
    await writing.keyboard.type(" Unsaved.");

    await world.server.kill();
    await run("restore", copy, "--data-dir", world.dataDir);
    await world.server.start();
    await networkIsBack(page);
    await page.locator(".preview").getByText("In the copy.").waitFor();
    await writing.getByText("changed this note while you were writing").waitFor();
    expect(await editorOf(writing).textContent()).toBe("Start. Saved. Unsaved.");
    // Versions are counted from where the copy stood: the next one is news again.
    await world.client.notes.update(note.id, { content: "Written anew." });
    await page.locator(".preview").getByText("Written anew.").waitFor();
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
    await networkIsBack(page);
    await page.getByText("No notes yet.").waitFor();
    await world.note({ title: "A new life" });
    await page.getByText("A new life").waitFor();
    await inspector.locator(".event-row").filter({ hasText: "NoteCreated" }).nth(1).waitFor();
    expect(await inspector.locator(".event-name").first().textContent()).toBe("NoteCreated");
  });
});

inBrowser("a tab that was away longer than events are kept", () => {
  let world: World;
  let cable: Cable;

  beforeAll(async () => {
    world = await World.start({ env: { MATRIC_RETENTION_EVENTS: "5" } });
    cable = await Cable.to(world.url);
  });

  afterEach(() => world.endTest());

  afterAll(async () => {
    await cable.stop();
    await world.stop();
  });

  test("fetches anew what it shows: nothing is as it was", async () => {
    world.browser.expectComplaints(/net::ERR_/);
    const note = await world.note({ title: "Left alone", content: "As it was." });
    const doomed = await world.note({ title: "Doomed" });
    const back = await world.note({ title: "Thrown away" });
    const job = await world.client.jobs.create({ type: "resize", note_id: note.id });
    const open = async (hash: string) => {
      const page = await world.browser.page();
      await page.goto(`${cable.url}/${hash}`);
      await isLive(page);
      return page;
    };
    const reader = await open(`#/notes/${note.id}`);
    await reader.locator(".preview").getByText("As it was.").waitFor();
    await reader.getByRole("button", { name: /^Jobs:.*1/ }).waitFor();
    const finder = await open(`#/notes/${back.id}`);
    await finder.getByLabel("Title").waitFor();
    await world.client.notes.remove(back.id);
    await finder
      .getByText(/deleted/)
      .first()
      .waitFor();
    const hooks = await open("#/webhooks");
    await hooks.getByRole("heading", { name: "Tell other programs" }).waitFor();
    const inspector = await open("#/events");
    await inspector.locator(".event-row").first().waitFor();

    cable.cut();
    for (const page of [reader, finder, hooks, inspector]) {
      await page.getByRole("button", { name: /^Connection: Reconnecting/ }).waitFor();
    }
    await world.client.notes.update(note.id, { title: "Found changed", content: "As it is." });
    await world.client.notes.remove(doomed.id);
    await world.client.notes.restore(back.id);
    await world.client.jobs.cancel(job.id);
    await world.client.webhooks.create({ url: "https://example.com/hook", events: ["Note*"], description: "Added in the dark" });
    await world.client.events.publishAll(Array.from({ length: 20 }, (_, n) => ({ event: "Flood", data: { n } })));
    // The server looks every ten seconds for what it need not keep.
    await eventually(async () => (await world.client.events.list({})).items.every(({ event }) => event === "Flood"), 30_000);

    cable.mend();
    await networkIsBack(reader);
    await isLive(reader);
    await reader.locator(".preview").getByText("As it is.").waitFor();
    await reader.locator("a.row").filter({ hasText: "Found changed" }).waitFor();
    await reader.locator("a.row").filter({ hasText: "Doomed" }).waitFor({ state: "detached" });
    await reader.getByRole("button", { name: /^Jobs:/ }).click();
    await reader.getByRole("complementary", { name: "Jobs" }).getByText("Nothing waits or runs.").waitFor();
    await finder.getByLabel("Title").waitFor();
    await hooks.getByText("Added in the dark").waitFor();
    await inspector.locator(".event-row").filter({ hasText: "Flood" }).first().waitFor();
  });
});
