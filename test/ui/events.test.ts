import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { inBrowser } from "./browser.ts";
import { Cable } from "./cable.ts";
import { isLive, isPainted, World } from "./world.ts";

inBrowser("the events inspector", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ browser: { permissions: ["clipboard-read", "clipboard-write"] } });
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("lists what has happened and what happens, the newest first", async () => {
    await world.client.events.publish({ event: "BeforeAnybodyLooked", data: {} });
    const page = await world.open("#/events");
    await page.getByText("BeforeAnybodyLooked").waitFor();
    const note = await world.note();
    await page.getByText("NoteCreated").first().waitFor();
    await world.client.notes.update(note.id, { content: "more" });
    const rows = page.locator(".event-name");
    await page.getByText("NoteUpdated").waitFor();
    expect((await rows.allTextContents()).slice(0, 3)).toEqual(["NoteUpdated", "NoteCreated", "BeforeAnybodyLooked"]);
  });

  test("filters by name, by family and by anything in the event", async () => {
    const page = await world.open("#/events");
    const note = await world.note();
    await world.client.events.publish({ event: "DoorOpened", data: { door: "garden" } });
    await world.client.events.publish({ event: "DoorClosed", data: { door: "kitchen" } });
    const filter = page.getByLabel("Filter events");
    const shown = async () => new Set(await page.locator(".event-name").allTextContents());
    await filter.fill("Door*");
    await eventually(async () => (await shown()).size === 2);
    await filter.fill("Door* garden");
    await eventually(async () => [...(await shown())].join() === "DoorOpened");
    await filter.fill(note.id);
    await eventually(async () => [...(await shown())].join() === "NoteCreated");
    await filter.fill("NothingLikeIt");
    await page.getByText("No event matches.").waitFor();
  });

  test("stands still while it is paused, counts what comes, and goes on", async () => {
    const page = await world.open("#/events");
    await world.client.events.publish({ event: "LastBeforePause", data: {} });
    await page.getByText("LastBeforePause").waitFor();
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await world.client.events.publish({ event: "WhilePaused", data: {} });
    await page.getByText("Paused, 1 since").waitFor();
    expect(await page.getByText("WhilePaused").count()).toBe(0);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("WhilePaused").waitFor();
  });

  test("shows one event in full, and a curl command that fetches it", async () => {
    const page = await world.open("#/events");
    const id = await world.client.events.publish({ event: "LookedInto", data: { depth: 42 }, subject: "well:1" });
    await page.getByRole("button", { name: /LookedInto/ }).click();
    const detail = page.getByRole("complementary", { name: "Event" });
    await detail.getByText('"depth": 42').waitFor();
    await detail.getByRole("button", { name: "Copy as curl" }).click();
    await page.getByText("Copied").waitFor();
    const command = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(command).toBe(`curl -s '${world.url}/api/v1/events/${id}'`);
    const fetched = await Bun.spawn(["bash", "-c", command]).stdout.text();
    expect(JSON.parse(fetched)).toMatchObject({ id, event: "LookedInto", data: { depth: 42 } });
  });

  test("shows an event once when the history has it before its frame comes", async () => {
    const cable = await Cable.to(world.url);
    const page = await world.browser.page();
    await page.goto(cable.url);
    await isLive(page);
    cable.holdFrames();
    await world.client.events.publish({ event: "HistoryFirst", data: {} });
    await page.getByRole("link", { name: "Events" }).click();
    await page.getByText("HistoryFirst").waitFor();
    cable.releaseFrames();
    await world.client.events.publish({ event: "CameByFrame", data: {} });
    await page.getByText("CameByFrame").waitFor();
    expect(await page.getByText("HistoryFirst").count()).toBe(1);
    await page.close();
    await cable.stop();
  });

  test("shows an event once when its frame comes before the history that has it", async () => {
    await world.client.events.publish({ event: "OnlyInHistory", data: {} });
    const page = await world.open();
    await page.route(
      /\/events\?.*after=/,
      async (route) => {
        await world.client.events.publish({ event: "FrameFirst", data: {} });
        await page.getByText("FrameFirst").waitFor();
        await route.continue();
      },
      { times: 1 },
    );
    await page.getByRole("link", { name: "Events" }).click();
    await page.getByText("OnlyInHistory").waitFor();
    expect(await page.getByText("FrameFirst").count()).toBe(1);
  });

  test("draws how many events came in each second, and how late", async () => {
    const page = await world.open("#/events");
    await page.locator(".charts canvas").nth(1).waitFor();
    for (let index = 0; index < 5; index++) await world.client.events.publish({ event: "Drawn", data: { index } });
    await page.getByRole("img", { name: /^Events per second in the last two minutes: at most [1-9]/ }).waitFor();
    await page.getByRole("img", { name: /^Delivery in the last two minutes: half within \d+ ms, 95 % within \d+ ms$/ }).waitFor();
  });

  test("keeps what one reads in its place while events come at the top", async () => {
    const page = await world.open("#/events");
    for (let index = 0; index < 60; index++) await world.client.events.publish({ event: "Counted", data: { index } });
    await page.getByText("index=59").waitFor();
    await page.locator(".virtual").hover();
    await page.mouse.wheel(0, 600);
    // It glides there.
    await eventually(() => page.evaluate('document.querySelector(".virtual").scrollTop === 600'));
    const row = page.getByRole("button", { name: /index=30\b/ });
    await row.waitFor();
    const before = await row.boundingBox();
    for (let index = 100; index < 120; index++) await world.client.events.publish({ event: "Counted", data: { index } });
    await eventually(
      async () => (await page.getByText(/^\d+ events$/).textContent())?.startsWith(String(await total(world))) ?? false,
    );
    await isPainted(page);
    expect(Math.abs(((await row.boundingBox())?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
  });
});

/** How many events the log has: fewer than the inspector fetches to begin with. */
async function total({ client }: World): Promise<number> {
  return (await client.events.list({ limit: 500 })).items.length;
}
