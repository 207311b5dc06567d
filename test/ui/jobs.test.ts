import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { inBrowser } from "./browser.ts";
import { clickTwice, doubleClick, holdEnter, World } from "./world.ts";

inBrowser("a revision, as the person sees it", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ env: { MATRIC_JOB_CONCURRENCY: "1" } });
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("it waits in its place, is processed, moves, and ends with the new text and a message", async () => {
    const { page, note } = await world.openNote({ content: "old words, in a row" });
    const other = await world.note();
    await world.client.notes.revise(other.id);
    const ahead = await world.model.next();
    await world.client.notes.revise((await world.note()).id);

    await page.getByRole("button", { name: "Revise with AI" }).click();
    const dialog = page.getByRole("dialog", { name: "Revise with AI" });
    await dialog.getByText("The model patient-model will revise this note.").waitFor();
    await dialog.getByLabel("Instructions").fill("Make it rhyme");
    await dialog.getByRole("button", { name: "Revise" }).click();
    const strip = page.locator(".job-strip");
    await strip.getByText("Queued, place 2 in line").waitFor();
    await page.getByRole("button", { name: "Jobs: 2 waiting 1 running" }).waitFor();

    ahead.finish("other words");
    (await world.model.next()).finish("more words");
    const question = await world.model.next();
    expect(question.words).toContain("Make it rhyme");
    await strip.getByText("Processing…").waitFor();
    expect(await strip.locator(".spinner").isVisible()).toBe(true);

    const bar = strip.getByRole("progressbar");
    let percent = 0;
    for (let part = 0; part < 3; part++) {
      question.say("words that follow each other ");
      await eventually(async () => Number(await bar.getAttribute("aria-valuenow")) > percent);
      percent = Number(await bar.getAttribute("aria-valuenow"));
    }
    await strip.getByText(/^\d+ % · (?!0:00)\d+:\d\d$/).waitFor();

    question.finish("and an end.");
    // None of them waits for another, and two go away by themselves.
    await Promise.all([
      page.getByRole("status", { name: "Messages" }).getByText("Note updated by AI revision").waitFor(),
      strip.getByText(/^Done in /).waitFor(),
      page.locator(".preview").getByText("and an end.").waitFor(),
    ]);
    expect((await world.client.notes.get(note.id)).version).toBe(2);
  });

  test("what failed says why and is tried again by a click", async () => {
    const { page } = await world.openNote();
    await page.getByRole("button", { name: "Revise with AI" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revise" }).click();
    (await world.model.next()).fail();
    const strip = page.locator(".job-strip");
    await strip.getByText("Failed", { exact: true }).waitFor();
    await strip.getByText(/headache|500/).waitFor();
    await strip.getByRole("button", { name: "Retry" }).click();
    (await world.model.next()).finish("It works now.");
    await page.locator(".preview").getByText("It works now.").waitFor();
    await page.getByText("Note updated by AI revision").waitFor();
  });

  test("what is cancelled stops at once and can be retried", async () => {
    const { page, note } = await world.openNote();
    await page.getByRole("button", { name: "Revise with AI" }).click();
    // A double click asks once.
    await clickTwice(page.getByRole("dialog").getByRole("button", { name: "Revise" }));
    (await world.model.next()).say("Once upon ");
    const strip = page.locator(".job-strip");
    await strip.getByText("Processing…").waitFor();
    await strip.getByRole("button", { name: "Cancel" }).click();
    await strip.getByText("Cancelled").waitFor();
    await strip.getByRole("button", { name: "Retry" }).click();
    (await world.model.next()).finish("Told to its end.");
    await page.locator(".preview").getByText("Told to its end.").waitFor();
    expect((await world.client.jobs.list({ note_id: note.id })).items).toHaveLength(1);
  });

  test.each(["a double click on Cancel", "Enter held down on Cancel"])("%s cancels, and does not retry at once", async (how) => {
    const { page, note } = await world.openNote();
    await world.client.notes.revise(note.id);
    (await world.model.next()).say("Once upon ");
    const strip = page.locator(".job-strip");
    await strip.getByText("Processing…").waitFor();
    const cancel = strip.getByRole("button", { name: "Cancel" });
    if (how.startsWith("a double click")) await doubleClick(cancel);
    else {
      await cancel.focus();
      await holdEnter(page);
    }
    // What the second click asked for would be answered before this.
    await world.client.notes.update(note.id, { tags: ["afterwards"] });
    await page.getByText("afterwards").first().waitFor();
    expect((await world.client.jobs.list({ note_id: note.id })).items.map(({ status, attempt }) => [status, attempt])).toEqual([
      ["cancelled", 1],
    ]);
  });

  test("a double click on Pause pauses, and does not resume at once", async () => {
    const page = await world.open();
    await page.getByRole("button", { name: /^Jobs:/ }).click();
    const panel = page.getByRole("complementary", { name: "Jobs" });
    await doubleClick(panel.getByRole("button", { name: "Pause" }));
    await panel.getByText("The queue is paused.").waitFor();
    expect((await world.client.queue.status()).paused).toBe(true);
    await panel.getByRole("button", { name: "Resume" }).click();
    await panel.getByText("The queue is paused.").waitFor({ state: "detached" });
  });

  test("the panel shows what runs, waits and ended, and pauses and resumes the queue", async () => {
    const page = await world.open();
    const [first, second] = [await world.note({ title: "The first" }), await world.note({ title: "The second" })];
    await page.getByRole("button", { name: /^Jobs:/ }).click();
    const panel = page.getByRole("complementary", { name: "Jobs" });
    await panel.getByRole("button", { name: "Pause" }).click();
    await panel.getByText("The queue is paused.").waitFor();
    await world.client.notes.revise(first.id);
    await world.client.notes.revise(second.id);
    await panel.getByRole("listitem").filter({ hasText: "The second" }).getByText("Queued, place 2 in line").waitFor();
    expect((await world.client.queue.status()).running).toBe(0);

    await panel.getByRole("button", { name: "Resume" }).click();
    const question = await world.model.next();
    await panel.getByRole("listitem").filter({ hasText: "The first" }).getByText("Processing…").waitFor();
    const waiting = panel.getByRole("listitem").filter({ hasText: "The second" });
    await waiting.getByText("Queued, next in line").waitFor();
    await waiting.getByRole("button", { name: "Cancel" }).click();
    await waiting.getByText("Cancelled").waitFor();
    question.finish("done");
    await panel
      .getByRole("listitem")
      .filter({ hasText: "The first" })
      .getByText(/^Done in /)
      .waitFor();
    expect((await world.client.queue.status()).queue_depth).toBe(0);
  });

  test("the end of a job that was begun here is told wherever the person has gone meanwhile", async () => {
    const { page } = await world.openNote({ title: "Left alone" });
    await page.getByRole("button", { name: "Revise with AI" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revise" }).click();
    const question = await world.model.next();
    await page.getByRole("link", { name: "Events" }).click();
    question.finish("New words.");
    const message = page.getByRole("status", { name: "Messages" });
    await message.getByText("“Left alone” updated by AI revision").waitFor();
    await message.getByRole("button", { name: "Open" }).click();
    await page.locator(".preview").getByText("New words.").waitFor();
  });
});

inBrowser("without a model", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ hasModel: false });
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("the page says plainly that the built-in reviser will do it, and what it cannot", async () => {
    const { page } = await world.openNote({ content: "* one\n* two" });
    await page.getByRole("button", { name: "Revise with AI" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(/No model is set up\. The built-in reviser will tidy the Markdown/).waitFor();
    await dialog.getByRole("button", { name: "Revise" }).click();
    await page.getByText("Note updated by AI revision").waitFor();
  });

  test("a revision that finds nothing to change says so", async () => {
    const { page } = await world.openNote({ content: "Tidy already.\n" });
    await page.getByRole("button", { name: "Revise with AI" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revise" }).click();
    await page.getByText("AI revision found nothing to change").waitFor();
  });
});
