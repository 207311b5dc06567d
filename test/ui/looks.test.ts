import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { Receiver } from "../support/receiver.ts";
import { axeFindings } from "./axe.ts";
import { inBrowser } from "./browser.ts";
import { editorOf, isPainted, show, World } from "./world.ts";

const markdown = `# Plan

- [x] done
- [ ] to do

### A level left out

> A quote with \`code\` and a [link](https://example.com)

| a | b |
|---|---|
| 1 | 2 |

\`\`\`ts
const answer = 42;
\`\`\`
`;

inBrowser("a new server", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ hasModel: false });
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("says how to begin, on every view and to everybody", async () => {
    const page = await world.open();
    await page.getByRole("heading", { name: "Your first note" }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("button", { name: /^Jobs:/ }).click();
    await page.getByText("Nothing waits or runs.").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("link", { name: "Webhooks" }).click();
    await page.getByRole("heading", { name: "Tell other programs" }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("link", { name: "Events" }).click();
    await page.getByText("Nothing has happened yet.").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("link", { name: "Notes" }).click();
    await page.getByRole("button", { name: "Write a note" }).click();
    await page.getByLabel("Title").waitFor();
  });
});

inBrowser("the page's looks and manners", () => {
  let world: World;
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = new Receiver();
    world = await World.start({ env: { MATRIC_JOB_CONCURRENCY: "1", MATRIC_WEBHOOK_ALLOW: "127.0.0.1" } });
    for (const title of ["Bread", "Garden", "Lisbon"]) await world.note({ title, content: markdown, tags: ["home", "plans"] });
    await world.client.webhooks.create({ url: receiver.url, events: ["Note*"], description: "The deploy robot" });
  });

  afterEach(() => world.endTest());

  afterAll(async () => {
    await world.stop();
    await receiver.stop();
  });

  const conditions = [
    { colorScheme: "light", width: 1280, rules: undefined },
    { colorScheme: "dark", width: 1280, rules: ["color-contrast"] },
    { colorScheme: "dark", width: 375, rules: undefined },
  ] as const;
  for (const { colorScheme, width, rules } of conditions) {
    test(`axe finds nothing on any view, ${colorScheme}, ${width} pixels wide`, async () => {
      const found: Record<string, string[]> = {};
      await onEveryView(world, { colorScheme, width }, async (page, view) => {
        const findings = await axeFindings(page, rules);
        if (findings.length > 0) found[view] = findings;
      });
      expect(found).toEqual({});
    });
  }

  test("nothing is cut off or needs scrolling sideways on a phone", async () => {
    await onEveryView(world, { colorScheme: "light", width: 360 }, async (page, view) => {
      const widths = await page.evaluate<number[]>("[document.documentElement.scrollWidth, document.body.scrollWidth]");
      expect({ view, widest: Math.max(...widths) }).toEqual({ view, widest: 360 });
      const outside = await page.evaluate<string[]>(
        "[...document.querySelectorAll('button, a, input, select')].filter((one) => { const box = one.getBoundingClientRect(); return one.checkVisibility() && box.width > 1 && !one.closest('.actions') && (box.right > innerWidth + 1 || box.left < -1); }).map((one) => one.outerHTML)",
      );
      expect({ view, outside }).toEqual({ view, outside: [] });
    });
  });

  test("everything comes from this server, under a policy that lets nothing else run", async () => {
    const requests: string[] = [];
    world.browser.context.on("request", (request) => requests.push(request.url()));
    await onEveryView(world, { colorScheme: "light", width: 1280 }, async () => {});
    expect(requests.filter((url) => !url.startsWith(`${world.url}/`) && !url.startsWith("data:"))).toEqual([]);
    const files = new Set(
      requests.filter((url) => /^\/(assets\/.*)?$/.test(new URL(url).pathname)).map((url) => url.replace(/#.*/, "")),
    );
    expect(files.size).toBeGreaterThan(8);
    for (const file of files) {
      const { status, headers } = await fetch(file);
      const policy = headers.get("content-security-policy") ?? "";
      const isStrict =
        policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self'; ") && !policy.includes("unsafe");
      expect({ file, status, isStrict }).toEqual({ file, status: 200, isStrict: true });
    }
  });

  test("a theme that was chosen stays, and shows before anything is painted", async () => {
    const page = await world.open();
    const background = () => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
    const light = await background();
    await page.getByRole("button", { name: /^Theme: auto/ }).click();
    await page.getByRole("button", { name: /^Theme: light/ }).click();
    await page.getByRole("button", { name: /^Theme: dark/ }).waitFor();
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload({ waitUntil: "commit" });
    await page.locator(".bar").waitFor();
    expect(await background()).toBe(dark);
    await page.getByRole("button", { name: /^Theme: dark/ }).click();
    expect(await background()).toBe(light);
  });

  test("whoever wants less motion gets none", async () => {
    const { page } = await world.openNote();
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.getByRole("button", { name: "Revise with AI" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revise" }).click();
    const question = await world.model.next();
    question.say("Some words");
    await page.locator(".job-strip .spinner").waitFor();
    const moving = "document.getAnimations().filter(({ effect }) => effect.getComputedTiming().duration > 0).length";
    expect(await page.evaluate<number>(moving)).toBe(0);
    question.finish(" and the end.");
    await page.getByText("Note updated by AI revision").waitFor();
    expect(await page.evaluate<number>(moving)).toBe(0);
  });

  test("everything can be done with the keyboard alone", async () => {
    const page = await world.open();
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focused = () =>
      page.evaluate<string>(
        "(() => { const one = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement; return (one?.getAttribute('aria-label') ?? one?.textContent ?? '').trim(); })()",
      );
    await press("Tab");
    expect(await focused()).toBe("Skip to the content");

    await press("Alt+n");
    await page.getByLabel("Title").waitFor();
    await eventually(async () => (await focused()) === "Title");
    await page.keyboard.type("By keys alone");
    await tabTo(page, focused, "Text of the note, Markdown");
    await page.keyboard.type("* first\n* second");
    await press("Control+s");
    await page.getByText("Version 2, just now").waitFor();
    // Tab leaves the editor: nobody is caught in it.
    await press("Tab");
    expect(await focused()).not.toBe("Text of the note, Markdown");

    await press("Alt+r");
    const dialog = page.getByRole("dialog", { name: "Revise with AI" });
    await dialog.getByLabel("Instructions").focus();
    await press("Escape");
    await dialog.waitFor({ state: "detached" });
    await press("Alt+r");
    await dialog.waitFor();
    await tabTo(page, focused, "Revise");
    await press("Enter");
    await dialog.waitFor({ state: "detached" });
    const question = await world.model.next();
    question.say("Words ");
    await page.locator(".job-strip").getByRole("button", { name: "Cancel" }).waitFor();
    await tabTo(page, focused, "Cancel");
    await press("Enter");
    await page.locator(".job-strip").getByText("Cancelled").waitFor();

    await press("Alt+j");
    await page.getByRole("complementary", { name: "Jobs" }).getByRole("listitem").first().waitFor();
    await eventually(async () => (await focused()) === "Jobs");
    await press("Escape");
    await page.getByRole("complementary", { name: "Jobs" }).waitFor({ state: "detached" });
    await eventually(async () => (await focused()).startsWith("Jobs:"));

    await press("Control+k");
    expect(await focused()).toBe("Search notes");
    await press("Tab", "Tab", "ArrowDown", "ArrowDown", "Enter");
    await eventually(async () => (await page.getByLabel("Title").inputValue()) !== "By keys alone");
    await press("ArrowUp", "ArrowUp", "Enter");
    await eventually(async () => (await page.getByLabel("Title").inputValue()) === "By keys alone");
    await tabTo(page, focused, "Delete note");
    await press("Enter");
    await page.getByText("Deleted “By keys alone”").waitFor();
    await tabTo(page, focused, "Undo");
    await press("Enter");
    await page.getByLabel("Title").waitFor();
  });

  test("arrow keys that come faster than the list is painted each move on by a row, also while it grows", async () => {
    const page = await world.open();
    const rows = page.locator(".list-pane .virtual a");
    await rows.nth(2).waitFor();
    const titles = await rows.locator(".row-title").allInnerTexts();
    await rows.first().focus();
    const press = (...keys: string[]) =>
      page.evaluate<string>(
        `(() => { for (const key of ${JSON.stringify(keys)}) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })); return document.activeElement.querySelector(".row-title").innerText; })()`,
      );
    expect(await press("ArrowDown", "ArrowDown")).toBe(titles[2] ?? "");
    await world.note({ title: "Came in between" });
    await rows.filter({ hasText: "Came in between" }).waitFor();
    expect(await press("ArrowUp")).toBe(titles[1] ?? "");
  });

  test("clicks that come faster than the page is painted each count", async () => {
    await world.client.events.publish({ event: "Something", data: {} });
    const page = await world.open("#/events");
    await page.locator(".event-row").first().waitFor();
    await page.evaluate(`
      const click = (selector, times) => { for (let time = 0; time < times; time++) document.querySelector(selector).click(); };
      click("[aria-label^='Theme: auto']", 2);
      click(".queue-indicator", 2);
      click(".events-bar [aria-pressed]", 2);
    `);
    await page.getByRole("button", { name: "Theme: dark. Switch to auto" }).click();
    await page.getByRole("button", { name: "Theme: auto. Switch to light" }).waitFor();
    expect(await page.getByRole("complementary", { name: "Jobs" }).count()).toBe(0);
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByRole("button", { name: "Go on" }).waitFor();
  });

  test("no key is too early: what has just appeared obeys, and has the focus if it wants it", async () => {
    const note = await world.note();
    const page = await world.browser.page();
    // In the very task in which something appears, before it is painted.
    await page.addInitScript(`
      globalThis.seen = {};
      globalThis.key = (init) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init }));
      const firstSight = {
        ".list-pane": () => key({ key: "k", ctrlKey: true }) || document.activeElement.getAttribute("aria-label"),
        ".title-field": () => key({ key: "r", code: "KeyR", altKey: true }) || key({ key: "s", ctrlKey: true }) || "both obeyed",
        "dialog": () => document.querySelector("dialog").contains(document.activeElement),
        ".event-detail": () => document.activeElement.className,
      };
      new MutationObserver(() => {
        for (const [selector, look] of Object.entries(firstSight)) {
          if (document.querySelector(selector) && !(selector in seen)) seen[selector] = look();
        }
      }).observe(document, { childList: true, subtree: true });
    `);
    await page.goto(`${world.url}/#/notes/${note.id}`);
    await page.getByRole("dialog", { name: "Revise with AI" }).waitFor();
    // As by Escape; and wanted again before that is painted.
    await page.evaluate('document.querySelector("dialog").requestClose(); key({ key: "r", code: "KeyR", altKey: true })');
    await isPainted(page);
    await page.getByRole("dialog", { name: "Revise with AI" }).waitFor();
    await page.evaluate('document.querySelector("dialog").requestClose(); key({ key: "j", code: "KeyJ", altKey: true })');
    await eventually(() => page.evaluate('document.activeElement.id === "jobs-panel"'));
    await page.getByRole("link", { name: "Events" }).click();
    await page.locator(".event-row").first().click();
    await page.getByRole("complementary", { name: "Event" }).waitFor();
    expect(await page.evaluate("seen")).toEqual({
      ".list-pane": "Search notes",
      ".title-field": "both obeyed",
      dialog: true,
      ".event-detail": "event-detail",
    });
  });

  test("what changes by itself is told to those who do not see it", async () => {
    const { page, note } = await world.openNote();
    await world.client.notes.revise(note.id);
    const question = await world.model.next();
    await page.locator("[aria-live=polite]").getByText("Processing…").waitFor();
    const bar = page.getByRole("progressbar", { name: "Progress of the revision" });
    expect(await bar.getAttribute("aria-valuemax")).toBe("100");
    question.finish("done");
    await page.getByRole("status", { name: "Messages" }).getByText("Note updated by AI revision").waitFor();
  });
});

async function tabTo(page: Page, focused: () => Promise<string>, name: string): Promise<void> {
  for (let step = 0; step < 60; step++) {
    await page.keyboard.press("Tab");
    if ((await focused()) === name) return;
  }
  throw new Error(`Tab does not lead to "${name}"`);
}

/** Shows everything that the page can show, one after the other. */
async function onEveryView(
  world: World,
  { colorScheme, width }: { colorScheme: "light" | "dark"; width: number },
  look: (page: Page, view: string) => Promise<void>,
): Promise<void> {
  const page = await world.browser.page();
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme });
  const go = async (hash: string) => {
    await page.goto(`${world.url}/${hash}`);
    await page.getByRole("button", { name: /^Connection: Live/ }).waitFor();
  };
  await go("#/notes");
  await page.getByText("Lisbon").first().waitFor();
  await look(page, "list");

  const note = await world.note({ title: `Open in ${colorScheme}, ${width}`, content: markdown, tags: ["home"] });
  await go(`#/notes/${note.id}`);
  await show(page, "Read");
  await page.locator(".preview table").waitFor();
  await look(page, "read");
  await show(page, width > 1000 ? "Both" : "Write");
  await editorOf(page).waitFor();
  await look(page, "write");

  await page.getByRole("button", { name: "Revise with AI" }).click();
  await page.getByRole("dialog").waitFor();
  await look(page, "revise dialog");
  await page.getByRole("dialog").getByRole("button", { name: "Revise" }).click();
  const running = await world.model.next();
  running.say("Some words ");
  await page.locator(".job-strip").getByText("Processing…").waitFor();
  await world.client.notes.revise((await world.note({ title: "Waits" })).id);
  await page.getByRole("button", { name: /^Jobs:/ }).click();
  await page.getByRole("complementary", { name: "Jobs" }).getByText("Queued, next in line").waitFor();
  await look(page, "jobs panel");
  await page.getByRole("button", { name: "Close the jobs panel" }).click();
  running.fail();
  running.finish(markdown.replace("Plan", "Better plan"));
  await page.getByText("Note updated by AI revision").waitFor();
  await look(page, "message");
  (await world.model.next()).fail();

  await editorOf(page).click();
  await page.keyboard.type("Mine ");
  await world.client.notes.update(note.id, { content: `${markdown}Theirs` });
  await page.getByText("changed this note while you were writing").waitFor();
  await look(page, "conflict");
  await page.getByRole("button", { name: "Compare and choose" }).click();
  await page.getByRole("dialog").getByText("to decide").or(page.getByText("Everything is decided")).waitFor();
  await look(page, "conflict dialog");
  await page.getByRole("button", { name: "Take theirs" }).click();
  await page.getByRole("link", { name: "Versions" }).click();
  await page.locator(".diff ins").first().waitFor();
  await look(page, "versions");

  await go("#/events");
  await page.locator(".event-row").first().click();
  await page.getByRole("complementary", { name: "Event" }).waitFor();
  await look(page, "events");
  await go("#/webhooks");
  await page.getByRole("link", { name: /The deploy robot/ }).waitFor();
  await look(page, "webhooks");
  await page.getByRole("link", { name: /The deploy robot/ }).click();
  await page.locator(".delivery").first().waitFor();
  await page.locator(".delivery .plain").first().click();
  await page.locator(".attempt summary").first().click();
  await look(page, "deliveries");
  if (width < 720) await page.getByRole("link", { name: "Back to the webhooks" }).click();
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("dialog").waitFor();
  await look(page, "add webhook");
}
