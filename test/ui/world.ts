import { expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { type Client, createClient } from "../../src/client/client.ts";
import type { Note } from "../../src/notes/contract.ts";
import { buildBinary } from "../support/binary.ts";
import { BinaryServer } from "../support/binary-server.ts";
import { TestBrowser } from "./chromium.ts";
import { Model } from "./model.ts";

export interface WorldOptions {
  /** Settings of the server. */
  env?: Record<string, string>;
  browser?: BrowserContextOptions;
  /** Without one the built-in reviser works. */
  hasModel?: boolean;
}

/** The built binary with a model, a browser that looks at it, and a client that acts from elsewhere. */
export class World {
  private constructor(
    readonly server: BinaryServer,
    /** Of the program that the server runs. */
    readonly binary: string,
    readonly dataDir: string,
    readonly model: Model,
    readonly browser: TestBrowser,
    readonly client: Client,
    private readonly removeFolder: () => void,
  ) {}

  static async start({ env = {}, browser = {}, hasModel = true }: WorldOptions = {}): Promise<World> {
    const model = new Model();
    const { path, folder, remove } = buildBinary();
    const dataDir = join(folder, "data");
    mkdirSync(dataDir);
    const server = new BinaryServer(path, dataDir, {
      MATRIC_DURABILITY: "normal",
      MATRIC_JOB_ATTEMPTS: "1",
      MATRIC_JOB_TYPES: "resize",
      ...(hasModel ? { MATRIC_AI_URL: model.url, MATRIC_AI_MODEL: model.name } : {}),
      ...env,
    });
    await server.start();
    const client = createClient({ url: server.url });
    return new World(server, path, dataDir, model, await TestBrowser.open(browser), client, remove);
  }

  get url(): string {
    return this.server.url;
  }

  /** A tab at a place of the page, `#/events` for one, that hears from the server. */
  async open(hash = "#/notes"): Promise<Page> {
    const page = await this.browser.page();
    await page.goto(`${this.url}/${hash}`);
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
    await this.server.kill();
    await this.model.stop();
    this.removeFolder();
  }
}

export async function isLive(page: Page, withinMs = 15_000): Promise<void> {
  await page.getByRole("button", { name: /^Connection: Live/ }).waitFor({ timeout: withinMs });
}

/** The browser says so to the page, whose tabs then wait no longer for their next attempt, which may be half a minute away. */
export async function networkIsBack(page: Page): Promise<void> {
  await page.evaluate('dispatchEvent(new Event("online"))');
}

/** What a change sets off in the browser itself, scrolling for one, has been done. */
export async function isPainted(page: Page): Promise<void> {
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
}

/** Twice before anything is painted: a double click on a busy machine. */
export async function clickTwice(button: Locator): Promise<void> {
  await button.evaluate((one: { click(): void }) => {
    one.click();
    one.click();
  });
}

/** As a hand does it: the second click comes when the first one has been answered. */
export async function doubleClick(button: Locator): Promise<void> {
  await button.dblclick({ delay: 150 });
}

/** As a keyboard does it that repeats the key: by what has the focus when it begins. */
export async function holdEnter(page: Page): Promise<void> {
  for (let repeat = 0; repeat < 6; repeat++) {
    await page.keyboard.down("Enter");
    await page.waitForTimeout(50);
  }
  await page.keyboard.up("Enter");
}

/** The text in the editor. */
export function editorOf(page: Page) {
  return page.getByRole("textbox", { name: "Text of the note" });
}

/** Shows the note to be written, read, or both. */
export async function show(page: Page, mode: "Write" | "Both" | "Read"): Promise<void> {
  await page.locator(".modes").getByText(mode, { exact: true }).click();
}
