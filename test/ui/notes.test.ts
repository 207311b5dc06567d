import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { inBrowser } from "./browser.ts";
import { clickTwice, doubleClick, editorOf, show, World } from "./world.ts";

inBrowser("notes", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("are created, written with a preview beside, tagged and saved", async () => {
    const page = await world.open();
    await page.getByRole("button", { name: "New" }).click();
    await page.getByLabel("Title").waitFor();
    await page.keyboard.type("Shopping");
    await editorOf(page).click();
    await page.keyboard.type("# List\n\n- **milk**\n- bread");
    const preview = page.locator(".preview");
    await preview.getByRole("heading", { name: "List" }).waitFor();
    expect(await preview.locator("li strong").textContent()).toBe("milk");
    await page.getByLabel("Add tag").fill("home");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("button", { name: "Saved" }).waitFor();
    const { items } = await world.client.notes.list({ q: "Shopping" });
    expect(items.map(({ title, content, tags }) => ({ title, content, tags }))).toEqual([
      { title: "Shopping", content: "# List\n\n- **milk**\n- bread", tags: ["home"] },
    ]);
    await page.locator("a.row").filter({ hasText: "Shopping" }).getByText("home").waitFor();
  });

  test("get and lose tags as fast as they are typed and clicked", async () => {
    const { page, note } = await world.openNote({ tags: ["old", "older"] });
    await page.evaluate(`
      const field = document.querySelector("input[aria-label='Add tag']");
      for (const tag of ["one", "two", "three"]) {
        field.value = tag;
        field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
      }
      for (const button of document.querySelectorAll("[aria-label^='Remove tag old']")) button.click();
    `);
    await page.keyboard.press("Control+s");
    await page.getByText("Version 2, just now").waitFor();
    expect((await world.client.notes.get(note.id)).tags).toEqual(["one", "two", "three"]);
  });

  test("show what is a heading, bold or code where they are written, and take no comment in code for a heading", async () => {
    const content = "# A heading\n\nPlain and **bold**.\n\n```sh\n# A comment\nmake\n```\n";
    const { page } = await world.openNote({ content });
    await editorOf(page).getByText("make").waitFor();
    const bold = await page.evaluate<string[]>(
      "[...document.querySelector('.editor').shadowRoot.querySelectorAll('.cm-line span')].filter((one) => getComputedStyle(one).fontWeight === '700').map((one) => one.textContent)",
    );
    expect(bold).toEqual(["# A heading", "**bold**"]);
  });

  test("are created once by a double click", async () => {
    const page = await world.open();
    for (const [made, twice] of [clickTwice, doubleClick].entries()) {
      await twice(page.getByRole("button", { name: "New" }));
      await page.getByLabel("Title").waitFor();
      await world.note({ title: "Afterwards" });
      expect((await world.client.notes.list({ q: "Untitled" })).items).toHaveLength(made + 1);
    }
  });

  test("are read as they are written, also by what is pasted in the moment in which the preview comes to be seen", async () => {
    const { page } = await world.openNote({ content: "Before." });
    await page.locator(".preview").waitFor();
    await show(page, "Write");
    await page.locator(".preview").waitFor({ state: "detached" });
    await page.evaluate(`
      new MutationObserver((_, observer) => {
        if (!document.querySelector(".preview")) return;
        observer.disconnect();
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", "Pasted. ");
        document.querySelector(".editor").shadowRoot.querySelector(".cm-content")
          .dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      }).observe(document, { childList: true, subtree: true });
    `);
    await show(page, "Both");
    await page.locator(".preview").getByText("Pasted. Before.").waitFor();
  });

  test("are found by words and by tags", async () => {
    await world.note({ title: "Zebra", content: "striped", tags: ["animals"] });
    await world.note({ title: "Lion", content: "golden, not like a zebra", tags: ["animals", "cats"] });
    const page = await world.open();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("zeb");
    const rows = page.locator("a.row");
    await eventually(async () => (await rows.count()) === 2);
    await page.keyboard.press("Control+a");
    await page.keyboard.type("striped");
    await eventually(async () => (await rows.count()) === 1);
    await rows.filter({ hasText: "Zebra" }).click();
    await page.getByTitle("Show notes tagged animals").click();
    await page.getByText("Tagged animals").waitFor();
    await eventually(async () => (await rows.count()) === 2);
    expect(await page.getByLabel("Search notes").inputValue()).toBe("");
    await page.getByLabel("Search notes").fill("no such words");
    await page.getByText("No note matches.").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
  });

  test("that match appear in a search while it is shown", async () => {
    const page = await world.open();
    await page.getByLabel("Search notes").fill("quokka");
    await page.getByText("No note matches.").waitFor();
    await world.note({ title: "A quokka smiles" });
    await page.getByText("A quokka smiles").waitFor();
  });

  test("are deleted, and come back by Undo", async () => {
    const { page, note } = await world.openNote({ title: "Not for long" });
    await page.getByRole("button", { name: "Delete note" }).click();
    await page.getByText("Choose a note, or write a new one.").waitFor();
    await expect(world.client.notes.get(note.id)).rejects.toThrow();
    const message = page.getByRole("status", { name: "Messages" });
    await message.getByText("Deleted “Not for long”").waitFor();
    await message.getByRole("button", { name: "Undo" }).click();
    await page.getByLabel("Title").waitFor();
    expect((await world.client.notes.get(note.id)).title).toBe("Not for long");
  });

  test("tell what is wrong with what cannot be saved, and keep it", async () => {
    world.browser.expectComplaints(/422/);
    const { page, note } = await world.openNote();
    await page.getByLabel("Title").fill("   ");
    await page.keyboard.press("Control+s");
    await page.getByText("Not saved; your text is still here").waitFor();
    await page.getByText(/title must not be empty/).waitFor();
    await page.getByRole("button", { name: "Discard" }).click();
    await eventually(async () => (await page.getByLabel("Title").inputValue()) === note.title);
  });

  test("show what differs between any two versions, and go back to one", async () => {
    const note = await world.note({ content: "The quick fox\n\njumps" });
    await world.client.notes.update(note.id, { content: "The slow fox\n\njumps" });
    await world.client.notes.update(note.id, { content: "The slow fox\n\njumps\n\nhigh", title: "A better title" });
    const page = await world.open(`#/notes/${note.id}`);
    await page.getByRole("link", { name: "Versions" }).click();
    const diff = page.locator(".diff");
    await diff.getByText("high").waitFor();
    expect(await diff.locator("ins").allTextContents()).toEqual(["better title", "\nhigh"]);
    await page.getByLabel("Compare with version").selectOption("1");
    await eventually(async () => (await diff.locator("del").allTextContents()).includes("quick"));
    await page.getByRole("link", { name: /^2 Written/ }).click();
    await eventually(async () => (await diff.locator("del").allTextContents()).join() === "quick");
    await page.getByRole("button", { name: "Restore version 2" }).click();
    await page.getByText("Version 2 is the note’s text again").waitFor();
    expect((await world.client.notes.get(note.id)).content).toBe("The slow fox\n\njumps");
    await page.locator(".preview").getByText("The slow fox").waitFor();
  });

  test("have addresses of their own: a link opens one, and the browser's way back works", async () => {
    const first = await world.note({ title: "One" });
    const { page } = await world.openNote({ title: "Two" });
    await page.locator("a.row").filter({ hasText: "One" }).first().click();
    await eventually(async () => (await page.getByLabel("Title").inputValue()) === "One");
    expect(page.url()).toEndWith(`#/notes/${first.id}`);
    await page.goBack();
    await eventually(async () => (await page.getByLabel("Title").inputValue()) === "Two");
    await page.goto(`${world.url}/#/notes/0197aaaa-0000-7000-8000-000000000000`);
    await page.getByText("There is no such note.").waitFor();
    world.browser.expectComplaints(/404/);
    world.browser.takeProblems();
  });

  test("keep the line endings they came with until somebody writes in them", async () => {
    const { page, note } = await world.openNote({ content: "one\r\ntwo\r\n" });
    await show(page, "Write");
    await editorOf(page).getByText("two").waitFor();
    expect(await page.getByRole("button", { name: "Saved" }).isVisible()).toBe(true);
    await world.client.notes.update(note.id, { content: "one\r\ntwo\r\nthree\r\n" });
    await editorOf(page).getByText("three").waitFor();
    expect(await page.getByRole("button", { name: "Saved" }).isVisible()).toBe(true);
  });
});
