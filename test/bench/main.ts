// bun run bench [names…] [--quick]: every figure that matric promises, measured on this machine (Linux).
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "./lab.ts";
import { describeMachine } from "./machine.ts";
import { tableHead, tableRow } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { agents } from "./scenarios/agents.ts";
import { deliver } from "./scenarios/deliver.ts";
import { depth } from "./scenarios/depth.ts";
import { fanout } from "./scenarios/fanout.ts";
import { filters } from "./scenarios/filters.ts";
import { ingest } from "./scenarios/ingest.ts";
import { memory } from "./scenarios/memory.ts";
import { page } from "./scenarios/page.ts";
import { resume } from "./scenarios/resume.ts";
import { start } from "./scenarios/start.ts";
import { telemetry } from "./scenarios/telemetry.ts";
import { webhooks } from "./scenarios/webhooks.ts";

const scenarios: Record<string, Scenario> = {
  deliver,
  fanout,
  ingest,
  resume,
  memory,
  filters,
  depth,
  start,
  agents,
  page,
  webhooks,
  telemetry,
};

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const names = args.filter((arg) => arg !== "--quick");
const unknown = names.find((name) => !Object.hasOwn(scenarios, name));
if (unknown !== undefined) {
  process.stderr.write(`There is no "${unknown}". Usage: bun run bench [${Object.keys(scenarios).join(" ")}] [--quick]\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "matric-bench-"));
const notes: string[] = [];
let missed = 0;
try {
  const binary = build(folder);
  process.stdout.write(`${describeMachine()}\n\n${tableHead()}`);
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const lab = await Lab.open();
    try {
      await scenario({
        binary,
        quick,
        lab,
        report(figure) {
          if (!figure.ok) missed++;
          process.stdout.write(tableRow(name, figure));
        },
        note: (text) => notes.push(`${name}: ${text}`),
      });
    } finally {
      await lab.close();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (notes.length > 0) process.stdout.write(`\n${notes.join("\n")}\n`);
process.stdout.write(missed === 0 ? "\nAll targets were met.\n" : `\nMissed: ${missed}.\n`);
process.exit(missed === 0 ? 0 : 1);

/** A copy, so that a build made meanwhile does not change what is measured. */
function build(folder: string): string {
  const { exitCode, stderr } = Bun.spawnSync(["bun", "run", "build"], { cwd: join(import.meta.dir, "../.."), stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`the build failed: ${stderr}`);
  const binary = join(folder, "matric");
  copyFileSync(join(import.meta.dir, "../../dist/matric"), binary);
  return binary;
}
