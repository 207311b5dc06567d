import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { inBrowser } from "./browser.ts";
import { editorOf, isLive, show, World } from "./world.ts";

const text = "First line\n\nSecond line\n\nThird line";

inBrowser("two who change one note", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("a revision that arrives while one types overwrites nothing: both texts are shown, and mine is kept", async () => {
    const { page, note } = await world.openNote({ content: text });
    await world.client.notes.revise(note.id);
    const question = await world.model.next();
    await write(page, "Typed ");
    question.finish("Quite another text");
    await page.getByText("AI revision changed this note while you were writing.").waitFor();
    await page.keyboard.type("on and on ");
    expect(await editorOf(page).textContent()).toContain("Typed on and on First line");

    await page.getByRole("button", { name: "Compare and choose" }).click();
    const dialog = page.getByRole("dialog", { name: "Two versions of this note" });
    await dialog.getByText("Typed on and on").waitFor();
    await dialog.getByText("Quite another").waitFor();
    await dialog.getByRole("button", { name: "Keep mine" }).click();
    await page.getByText("Saved your choice").waitFor();
    const kept = await world.client.notes.get(note.id);
    expect(kept.content).toBe(`Typed on and on ${text}`);
    expect((await world.client.notes.revision(note.id, 2)).content).toContain("Quite another text");
  });

  test("taking theirs makes the note what they wrote", async () => {
    const { page, note } = await world.openNote({ content: text });
    await write(page, "Mine ");
    await world.client.notes.update(note.id, { title: "Their title", content: "Theirs" });
    await page.getByRole("button", { name: "Compare and choose" }).click();
    await page.getByRole("button", { name: "Take theirs" }).click();
    await page.getByText("changed this note while you were writing").waitFor({ state: "detached" });
    expect(await editorOf(page).textContent()).toBe("Theirs");
    expect(await page.getByLabel("Title").inputValue()).toBe("Their title");
    expect((await world.client.notes.get(note.id)).version).toBe(2);
  });

  test("merging takes what only one changed, and asks where both did", async () => {
    const { page, note } = await world.openNote({ title: "Old title", content: text });
    await write(page, "My ");
    await page.keyboard.press("Control+End");
    await page.keyboard.type(", as I say");
    await world.client.notes.update(note.id, {
      title: "New title",
      content: "First line\n\nSecond line, as they say\n\nThird line, as they say",
    });
    await page.getByRole("button", { name: "Compare and choose" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("1 place to decide").waitFor();
    expect(await dialog.getByRole("button", { name: "Save merged" }).isDisabled()).toBe(true);
    await dialog.getByRole("group", { name: "Text, difference 3: changed by both" }).getByLabel("Theirs").check();
    await dialog.getByText("Everything is decided").waitFor();
    await dialog.getByRole("button", { name: "Save merged" }).click();
    await page.getByText("Saved your choice").waitFor();
    const merged = await world.client.notes.get(note.id);
    expect(merged.title).toBe("New title");
    expect(merged.content).toBe("My First line\n\nSecond line, as they say\n\nThird line, as they say");
    expect(merged.version).toBe(3);
  });

  test("choices made faster than the page is painted all count for what is saved", async () => {
    const { page, note } = await world.openNote({ title: "Old title", content: text });
    await page.getByLabel("Title").fill("My title");
    await write(page, "My ");
    await world.client.notes.update(note.id, { title: "New title", content: `Their ${text}` });
    await page.getByRole("button", { name: "Compare and choose" }).click();
    const dialog = page.getByRole("dialog");
    for (const place of ["Title", "Text"]) {
      await dialog
        .getByRole("group", { name: `${place}, difference 1: changed by both` })
        .getByLabel("Mine")
        .check();
    }
    await dialog.getByText("Everything is decided").waitFor();
    await page.evaluate(`
      for (const radio of document.querySelectorAll("dialog .side:last-child .choice:first-child input")) radio.click();
      document.querySelector("dialog .dialog-actions .primary").click();
    `);
    await page.getByText("Saved your choice").waitFor();
    expect(await world.client.notes.get(note.id)).toMatchObject({ title: "New title", content: `Their ${text}` });
  });

  test("saving what was made from an older version is refused by the server and leads to the same choice", async () => {
    world.browser.expectComplaints(/412/);
    const { page, note } = await world.openNote({ content: text });
    await write(page, "Mine ");
    // Between the click and the answer somebody else is faster.
    const sentFor: (string | undefined)[] = [];
    await page.route(`**/api/v1/notes/${note.id}`, async (route) => {
      if (route.request().method() === "PATCH" && sentFor.push(route.request().headers()["if-match"]) === 1) {
        await world.client.notes.update(note.id, { content: "Theirs" });
      }
      await route.continue();
    });
    await page.keyboard.press("Control+s");
    const dialog = page.getByRole("dialog", { name: "Two versions of this note" });
    await dialog.getByText("Theirs", { exact: true }).first().waitFor();
    await dialog.getByRole("button", { name: "Keep mine" }).click();
    await page.getByText("Saved your choice").waitFor();
    expect(sentFor).toEqual(['"1"', '"2"']);
    expect((await world.client.notes.get(note.id)).content).toBe(`Mine ${text}`);
  });

  test("two tabs that write in one note: the second one to save chooses", async () => {
    const { page, note } = await world.openNote({ content: text });
    const other = await world.open(`#/notes/${note.id}`);
    await write(page, "One ");
    await write(other, "Two ");
    await page.keyboard.press("Control+s");
    await page.getByText("Version 2, just now").waitFor();
    await other.getByText("Somebody else changed this note while you were writing.").waitFor();
    await other.keyboard.press("Control+s");
    const dialog = other.getByRole("dialog");
    await dialog
      .getByRole("group", { name: /Text, difference 1/ })
      .getByLabel("Both")
      .check();
    await dialog.getByRole("button", { name: "Save merged" }).click();
    await other.getByText("Saved your choice").waitFor();
    await page.locator(".cm-content").getByText("Two First line").waitFor();
    expect((await world.client.notes.get(note.id)).content).toBe("Two First line\nOne First line\n\nSecond line\n\nThird line");
  });

  test("an unsaved text survives a reload, and a change that came meanwhile leads to the choice", async () => {
    const { page, note } = await world.openNote({ content: text });
    page.on("dialog", (dialog) => dialog.accept());
    await write(page, "Unsaved ");
    await page.locator("a.row[aria-current]").getByRole("img", { name: "not saved" }).waitFor();
    await page.reload();
    await isLive(page);
    await page.locator(".cm-content").getByText("Unsaved First line").waitFor();

    await page.goto("about:blank");
    await world.client.notes.update(note.id, { content: "Theirs" });
    await page.goto(`${world.url}/#/notes/${note.id}`);
    await page.getByRole("button", { name: "Compare and choose" }).click();
    await page.getByRole("dialog").getByText("Unsaved First line").waitFor();
    await page.getByRole("button", { name: "Keep mine" }).click();
    await page.getByText("Saved your choice").waitFor();
    expect((await world.client.notes.get(note.id)).content).toBe(`Unsaved ${text}`);
  });

  test("a note that is revised while it is being written in keeps both texts", async () => {
    const { page, note } = await world.openNote({ content: text });
    await world.client.notes.revise(note.id);
    const first = await world.model.next();
    await write(page, "Saved meanwhile ");
    await page.keyboard.press("Control+s");
    await page.getByText("Version 2, just now").waitFor();
    first.finish("From the first text");
    // The job begins again with the newer text, and is too late a second time.
    const second = await world.model.next();
    await page.keyboard.type("and again ");
    await page.keyboard.press("Control+s");
    await page.getByText("Version 3, just now").waitFor();
    second.finish("From the second text");
    await page.getByText("The AI’s text was kept aside, because the note had changed").waitFor();
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByText("kept aside", { exact: true }).waitFor();
    await page.locator(".diff").getByText("From the second").waitFor();
    expect((await world.client.notes.get(note.id)).content).toBe(`Saved meanwhile and again ${text}`);
  });
});

/** Begins to write at the top of the text. */
async function write(page: Page, words: string): Promise<void> {
  await show(page, "Write");
  await editorOf(page).click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type(words);
}
