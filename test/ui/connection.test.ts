import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { buildBinary } from "../support/binary.ts";
import { BinaryServer } from "../support/binary-server.ts";
import { inBrowser } from "./browser.ts";
import { Cable } from "./cable.ts";
import { TestBrowser } from "./chromium.ts";
import { Model } from "./model.ts";
import { isLive, World } from "./world.ts";

inBrowser("the connection", () => {
  let world: World;
  let cable: Cable;

  beforeAll(async () => {
    world = await World.start();
    cable = await Cable.to(world.app.url);
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
  let model: Model;
  let browser: TestBrowser;
  let server: BinaryServer;
  let binary: ReturnType<typeof buildBinary>;
  let dataDir: string;

  beforeAll(async () => {
    model = new Model();
    browser = await TestBrowser.open();
    binary = buildBinary();
    dataDir = join(binary.folder, "data");
    await mkdir(dataDir);
    server = new BinaryServer(binary.path, dataDir, { MATRIC_AI_URL: model.url, MATRIC_AI_MODEL: model.name });
    await server.start();
  }, 120_000);

  afterEach(async () => {
    const problems = browser.takeProblems();
    await browser.closePages();
    expect(problems).toEqual([]);
  });

  afterAll(async () => {
    await browser.close();
    await server.kill();
    await model.stop();
    binary.remove();
  });

  test("in the middle of a job and is started again: the page shows the job to its end", async () => {
    browser.expectComplaints(/net::ERR_/);
    const note = await createClient({ url: server.url }).notes.create({ title: "Tough", content: "Old words." });
    const page = await browser.page();
    await page.goto(`${server.url}/#/notes/${note.id}`);
    await isLive(page);
    await page.getByRole("button", { name: "Revise with AI" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revise" }).click();
    (await model.next()).say("Half a ");
    const strip = page.locator(".job-strip");
    await strip.getByText("Processing…").waitFor();

    await server.kill();
    await page.getByRole("button", { name: /^Connection: Reconnecting/ }).waitFor();
    await server.start();
    await isLive(page);
    const again = await model.next();
    again.say("The whole ");
    await strip.getByText("Processing, attempt 2").waitFor();
    again.finish("sentence.");
    await page.locator(".preview").getByText("The whole sentence.").waitFor();
    await page.getByText("Note updated by AI revision").waitFor();
  });

  test("and comes back with other data: what is shown is fetched anew", async () => {
    browser.expectComplaints(/net::ERR_|404/);
    const page = await browser.page();
    await page.goto(`${server.url}/`);
    await isLive(page);
    await page.getByText("Tough").first().waitFor();
    await server.kill();
    await rm(dataDir, { recursive: true });
    await mkdir(dataDir);
    await server.start();
    await page.getByText("No notes yet.").waitFor();
    await createClient({ url: server.url }).notes.create({ title: "A new life", content: "" });
    await page.getByText("A new life").waitFor();
  });
});
