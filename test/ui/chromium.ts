import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

export const executablePath = "/usr/bin/chromium";

/** Without a network, as root, and with nothing that calls home. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether the browser is there: on Debian, `apt-get install chromium` brings it. */
export const isInstalled = existsSync(executablePath);

/** A browser with a new, empty profile. Whatever its pages complain about is a problem that the test must have announced. */
export class TestBrowser {
  readonly #problems: string[] = [];
  #expected: RegExp | undefined;

  private constructor(
    private readonly profile: string,
    readonly context: BrowserContext,
  ) {}

  static async open(options: BrowserContextOptions = {}, moreFlags: readonly string[] = []): Promise<TestBrowser> {
    const profile = mkdtempSync(join(tmpdir(), "matric-chromium-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: [...flags, ...moreFlags],
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    const browser = new TestBrowser(profile, context);
    context.setDefaultTimeout(15_000);
    context.on("page", (page) => browser.#watch(page));
    for (const page of context.pages()) browser.#watch(page);
    return browser;
  }

  /** A new tab. */
  page(): Promise<Page> {
    return this.context.newPage();
  }

  /** Complaints like these belong to what is tested: the browser itself reports a broken connection, or a 412. */
  expectComplaints(pattern: RegExp): void {
    this.#expected = pattern;
  }

  /** What the pages complained about since the last call. */
  takeProblems(): string[] {
    this.#expected = undefined;
    return this.#problems.splice(0);
  }

  async closePages(): Promise<void> {
    await Promise.all(this.context.pages().map((page) => page.close()));
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }

  #watch(page: Page): void {
    const note = (text: string) => {
      if (!this.#expected?.test(text)) this.#problems.push(text);
    };
    page.on("pageerror", (error) => note(`uncaught: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") note(`${message.type()}: ${message.text()}`);
    });
  }
}
