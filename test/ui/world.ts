import { expect } from "bun:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { type Client, createClient } from "../../src/client/client.ts";
import type { Config } from "../../src/config.ts";
import type { Outside } from "../../src/core.ts";
import type { Note } from "../../src/notes/contract.ts";
import { startApp, type TestApp } from "../support/start-app.ts";
import { TestBrowser } from "./chromium.ts";
import { Model } from "./model.ts";

/** A server with a model, a browser that looks at it, and a client that acts from elsewhere. */
export class World {
  private constructor(
    readonly app: TestApp,
    readonly model: Model,
    readonly browser: TestBrowser,
    readonly client: Client,
  ) {}

  static async start(
    config: Partial<Config> = {},
    options: BrowserContextOptions = {},
    outside: Partial<Outside> = {},
  ): Promise<World> {
    const model = new Model();
    const app = await startApp(
      { aiUrl: model.url, aiModel: model.name, jobAttempts: 1, jobTypes: ["resize"], ...config },
      outside,
    );
    return new World(app, model, await TestBrowser.open(options), createClient({ url: app.url }));
  }

  /** A tab at a place of the page, `#/events` for one, that hears from the server. */
  async open(hash = "#/notes"): Promise<Page> {
    const page = await this.browser.page();
    await page.goto(`${this.app.url}/${hash}`);
    await isLive(page);
    return page;
  }

  /** A tab that shows a new note. */
  async openNote(note: Partial<Pick<Note, "title" | "content" | "tags">> = {}): Promise<{ page: Page; note: Note }> {
    const created = await this.note(note);
    const page = await this.open(`#/notes/${created.id}`);
    await page.getByLabel("Title").waitFor();
    return { page, note: created };
  }

  note({
    title = "A note",
    content = "Some words.",
    tags = [],
  }: Partial<Pick<Note, "title" | "content" | "tags">> = {}): Promise<Note> {
    return this.client.notes.create({ title, content, tags: [...tags] });
  }

  /** To be called after every test: nothing was complained about in the browser's console. */
  async endTest(): Promise<void> {
    const problems = this.browser.takeProblems();
    await this.browser.closePages();
    expect(problems).toEqual([]);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.app.stop();
    await this.model.stop();
  }
}

export async function isLive(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Connection: Live/ }).waitFor();
}

/** The text in the editor. */
export function editorOf(page: Page) {
  return page.getByRole("textbox", { name: "Text of the note" });
}

/** Shows the note to be written, read, or both. */
export async function show(page: Page, mode: "Write" | "Both" | "Read"): Promise<void> {
  await page.locator(".modes").getByText(mode, { exact: true }).click();
}
