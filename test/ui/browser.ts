import { describe, setDefaultTimeout } from "bun:test";
import { executablePath, isInstalled } from "./chromium.ts";

if (!isInstalled) {
  const message = `${executablePath} is not installed: the page cannot be shown in a real browser.`;
  if (process.env.CI === "true") throw new Error(message);
  process.stderr.write(`\n*** SKIPPED: ${message} On Debian: apt-get install chromium\n\n`);
}

/** Tests that a real browser takes part in. Where there is none, and nobody depends on the outcome, they are skipped. */
export function inBrowser(what: string, tests: () => void): void {
  // Of the file that calls. A browser takes its time, and more on a busy machine.
  setDefaultTimeout(60_000);
  describe.skipIf(!isInstalled)(what, tests);
}
