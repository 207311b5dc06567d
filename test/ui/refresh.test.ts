import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { connectAgent } from "../support/mcp.ts";
import { inBrowser } from "./browser.ts";
import { editorOf, isPainted, show, World } from "./world.ts";

const paragraphs = Array.from({ length: 80 }, (_, index) => `Paragraph ${index} has some words in it.`);
const longText = paragraphs.join("\n\n");

inBrowser("a note that changes elsewhere", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("is new on the page without a reload, and fetched once for each version", async () => {
    const { page, note } = await world.openNote({ title: "Before", content: "Before." });
    const fetches = countFetches(page, note.id);
    await world.client.notes.update(note.id, { title: "After", content: "After.", tags: ["new"] });
    await page.locator(".preview").getByText("After.").waitFor();
    expect(await page.getByLabel("Title").inputValue()).toBe("After");
    await page.locator(".tag-field").getByText("new").waitFor();
    await page.getByText("Note updated elsewhere").waitFor();
    await page.getByText("Version 2, just now").waitFor();
    expect(fetches()).toBe(1);

    for (let version = 3; version <= 20; version++) await world.client.notes.update(note.id, { content: `Version ${version}.` });
    await page.locator(".preview").getByText("Version 20.").waitFor();
    expect(fetches()).toBeLessThanOrEqual(19);
  });

  test("is fetched once, too, when this tab itself has changed it", async () => {
    const { page, note } = await world.openNote({ content: "Mine." });
    const fetches = countFetches(page, note.id);
    await show(page, "Write");
    await editorOf(page).click();
    await page.keyboard.type("All of it is ");
    await page.keyboard.press("Control+s");
    await page.getByText("Version 2, just now").waitFor();
    // The event of this change has come when that of a later one has.
    await world.client.notes.update(note.id, { title: "Later" });
    await eventually(async () => (await page.getByLabel("Title").inputValue()) === "Later");
    expect(fetches()).toBe(1);
    expect(await page.getByText(/Note updated/).count()).toBe(1);
  });

  test("keeps the caret, the undo history and what is in sight while one writes", async () => {
    const { page, note } = await world.openNote({ content: longText });
    await show(page, "Write");
    const line = page.getByText("Paragraph 40 has");
    await editorOf(page).click();
    await page.keyboard.press("Control+Home");
    for (let step = 0; step < 80; step++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    await page.keyboard.type(" Mine!");
    await page.keyboard.press("Control+s");
    await page.getByText("Version 2, just now").waitFor();
    await isPainted(page);
    const before = await line.boundingBox();

    const { content } = await world.client.notes.get(note.id);
    await world.client.notes.update(note.id, {
      content: `# A new heading\n\nAnd more\n\n${content.replace("Paragraph 3 ", "The third ")}`,
    });
    await page.getByText("Version 3, just now").waitFor();
    await isPainted(page);
    expect(Math.abs(((await line.boundingBox())?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
    await page.keyboard.type(" Still here.");
    await page.keyboard.press("Control+s");
    await page.getByText("Version 4, just now").waitFor();
    const written = (await world.client.notes.get(note.id)).content;
    expect(written).toContain("Paragraph 40 has some words in it. Mine! Still here.\n");
    expect(written).toContain("The third has");

    for (let step = 0; step < 5; step++) await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+s");
    await page.getByText("Version 5, just now").waitFor();
    const undone = (await world.client.notes.get(note.id)).content;
    expect(undone).toContain("Paragraph 40 has some words in it.\n");
    expect(undone).toContain("# A new heading");
  });

  test("keeps the place one is reading at, and touches only what changed", async () => {
    const { page, note } = await world.openNote({ content: longText });
    await show(page, "Read");
    const read = page.locator(".preview").getByText("Paragraph 50 has");
    await read.scrollIntoViewIfNeeded();
    const element = await read.elementHandle();
    await isPainted(page);
    const before = await read.boundingBox();
    await world.client.notes.update(note.id, { content: `# A heading above\n\n${longText.replace("Paragraph 60 ", "Sixty ")}` });
    await page.locator(".preview").getByText("Sixty has").waitFor();
    await isPainted(page);
    expect(Math.abs(((await read.boundingBox())?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
    expect(await element?.evaluate((node) => node.isConnected)).toBe(true);
  });

  test("changes only its row in the list when another note is open", async () => {
    const other = await world.note({ title: "Another one" });
    const { page, note } = await world.openNote({ title: "The open one" });
    const fetches = countFetches(page, note.id);
    const row = page.locator("a.row").filter({ hasText: "Another one" });
    await row.waitFor();
    const order = await page.locator(".row-title").allTextContents();
    await world.client.notes.update(other.id, { title: "Another one, renamed", content: "With new words" });
    await row.getByText("With new words").waitFor();
    expect(await page.locator(".row-title").allTextContents()).toEqual(
      order.map((title) => (title === "Another one" ? "Another one, renamed" : title)),
    );
    expect(await page.getByText(/Note updated/).count()).toBe(0);
    expect(fetches()).toBe(0);
  });

  test("appears in the list when it is new, and goes when it is deleted", async () => {
    const page = await world.open();
    const note = await world.note({ title: "Fallen from the sky" });
    const row = page.locator("a.row").first();
    await row.getByText("Fallen from the sky").waitFor();
    await world.client.notes.remove(note.id);
    await page.getByText("Fallen from the sky").waitFor({ state: "detached" });
  });

  test("says so when it is deleted while it is open, and comes back by a click", async () => {
    const { page, note } = await world.openNote({ content: "Do not go." });
    await world.client.notes.remove(note.id);
    await page.getByText("This note was deleted.").waitFor();
    await page.getByRole("button", { name: "Restore it" }).click();
    await page.getByText("This note was deleted.").waitFor({ state: "detached" });
    expect((await world.client.notes.get(note.id)).content).toBe("Do not go.");
  });

  test("is asked for several times when that fails, and then by the person", async () => {
    world.browser.expectComplaints(/net::ERR_FAILED/);
    const { page, note } = await world.openNote({ content: "Old." });
    const fetches = countFetches(page, note.id);
    const address = `**/api/v1/notes/${note.id}`;
    await page.route(address, (route) => route.abort());
    await world.client.notes.update(note.id, { content: "New." });
    await page.getByText("Could not refresh this note.").waitFor();
    expect(fetches()).toBeGreaterThanOrEqual(3);
    expect((await page.locator(".preview").textContent())?.trim()).toBe("Old.");
    await page.unroute(address);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".preview").getByText("New.").waitFor();
    expect(await page.getByText("Could not refresh this note.").count()).toBe(0);
  });

  test("is new whoever changed it: the command line, an agent, another tab or the built-in worker", async () => {
    const { page, note } = await world.openNote({ content: "First." });
    await show(page, "Both");
    const read = page.locator(".preview");
    const edit = [world.binary, "notes", "edit", note.id, "--content", "By the command line.", "--url", world.url];
    expect(await Bun.spawn(edit, { stdout: "ignore" }).exited).toBe(0);
    await read.getByText("By the command line.").waitFor();

    const agent = await connectAgent(`${world.url}/mcp`, "2025-11-25");
    await agent.call("update_note", { id: note.id, version: 2, content: "By an agent." });
    await read.getByText("By an agent.").waitFor();
    await page.getByText("Note updated by an agent").waitFor();
    await agent.close();

    const other = await world.open(`#/notes/${note.id}`);
    await show(other, "Write");
    await editorOf(other).click();
    await other.keyboard.press("Control+End");
    await other.keyboard.type(" And by another tab.");
    await other.keyboard.press("Control+s");
    await read.getByText("By an agent. And by another tab.").waitFor();

    await world.client.notes.revise(note.id);
    (await world.model.next()).finish("By the worker.");
    await read.getByText("By the worker.").waitFor();
    await page.getByText("Note updated by AI revision").waitFor();
  });

  test("does not flicker: at no moment is the text away, and what stays is not drawn anew", async () => {
    const { page, note } = await world.openNote({ content: "Stays.\n\nGoes." });
    await show(page, "Both");
    await page.locator(".preview").getByText("Goes.").waitFor();
    await page.evaluate(`
      globalThis.blanks = 0;
      const look = () => {
        if (!document.querySelector(".preview")?.textContent.includes("Stays.")) blanks++;
        requestAnimationFrame(look);
      };
      look();
    `);
    for (let version = 2; version < 12; version++) {
      await world.client.notes.update(note.id, { content: `Stays.\n\nVersion ${version}.` });
      await page.locator(".preview").getByText(`Version ${version}.`).waitFor();
    }
    expect(await page.evaluate<number>("blanks")).toBe(0);
  });

  test("says who changed it", async () => {
    const { page, note } = await world.openNote({ content: "Nobody yet." });
    await world.client.notes.update(note.id, { content: "Second." });
    await page.getByText("Note updated elsewhere").waitFor();
    await world.client.notes.restoreRevision(note.id, 1);
    await page.getByText("Note updated: an earlier version was restored").waitFor();
  });
});

/** How often the page has asked for the note since. */
function countFetches(page: Page, noteId: string): () => number {
  let count = 0;
  page.on("request", (request) => {
    if (request.method() === "GET" && request.url().endsWith(`/api/v1/notes/${noteId}`)) count++;
  });
  return () => count;
}
