import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What axe finds wrong with what the page shows now, by all its rules if none are named. */
export async function axeFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
  // What moves has the colours of two moments mixed.
  await page.evaluate(
    "for (const one of document.getAnimations()) if (one.effect.getComputedTiming().iterations !== Infinity) one.finish()",
  );
  await page.evaluate(source);
  const violations = await page.evaluate<Violation[]>(
    `axe.run(document, ${JSON.stringify(rules ? { runOnly: rules } : {})}).then(({ violations }) => violations)`,
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
}
