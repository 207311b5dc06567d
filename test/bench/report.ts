import type { Figure } from "./scenario.ts";

const columns = ["scenario", "what", "figure", "baseline", "target", "result"];

export function tableHead(): string {
  return `| ${columns.join(" | ")} |\n|${columns.map(() => "---").join("|")}|\n`;
}

export function tableRow(scenario: string, { what, figure, baseline = "", target, ok }: Figure): string {
  return `| ${[scenario, what, figure, baseline, target, ok ? "ok" : "MISSED"].join(" | ")} |\n`;
}
