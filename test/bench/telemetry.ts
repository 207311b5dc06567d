// bun test/bench/telemetry.ts [--quick]: what the mirror and the metrics cost, on against off, in turn and in one run.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "./lab.ts";
import { describeMachine } from "./machine.ts";
import { tableHead, tableRow } from "./report.ts";
import { median, number } from "./scenario.ts";
import { BenchServer } from "./server.ts";

const streams = 100;
const quick = process.argv.includes("--quick");
/** Many short ones: other programs disturb both of a pair alike. */
const rounds = quick ? 7 : 21;
const seconds = 2;

/** Of one core, in per cent; the events of one post share a transaction. */
const cases = [
  { eventsPerSecond: 1000, eventsPerPost: 1, connections: 16, corePercentMax: 1 },
  { eventsPerSecond: 10_000, eventsPerPost: 20, connections: 16, corePercentMax: 5 },
];

interface Measured {
  corePercent: number;
  p50Ms: number;
  p99Ms: number;
}

const folder = mkdtempSync(join(tmpdir(), "matric-bench-"));
let missed = 0;
try {
  const binary = build(folder);
  process.stdout.write(`${describeMachine()}\n\n${tableHead()}`);
  for (const one of cases) await compare(binary, one);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(missed === 0 ? 0 : 1);

async function compare(binary: string, load: (typeof cases)[number]): Promise<void> {
  const lab = await Lab.open();
  const servers = {
    on: await BenchServer.matric(binary, undefined, { MATRIC_TELEMETRY: "on" }),
    off: await BenchServer.matric(binary, undefined, { MATRIC_TELEMETRY: "off" }),
  };
  try {
    for (const server of Object.values(servers)) await measure(lab, server, load);
    const pairs: { on: Measured; off: Measured }[] = [];
    // Each goes first as often as the other, so that both meet the same weather.
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? (["on", "off"] as const) : (["off", "on"] as const);
      const found: Partial<Record<"on" | "off", Measured>> = {};
      for (const which of order) found[which] = await measure(lab, servers[which], load);
      if (found.on && found.off) pairs.push({ on: found.on, off: found.off });
    }
    const middle = (read: (pair: { on: Measured; off: Measured }) => number) => median(pairs.map(read));
    const extra = middle(({ on, off }) => on.corePercent - off.corePercent);
    report({
      what: `${number(load.eventsPerSecond)} events/s in posts of ${load.eventsPerPost}, ${streams} streams: CPU of one core`,
      figure: `+${number(extra)} % (on ${number(middle(({ on }) => on.corePercent))} %)`,
      baseline: `off ${number(middle(({ off }) => off.corePercent))} %`,
      target: `< +${load.corePercentMax} %`,
      ok: extra < load.corePercentMax,
    });
    const [p99On, p99Off] = [middle(({ on }) => on.p99Ms), middle(({ off }) => off.p99Ms)];
    const spread = Math.max(...pairs.map(({ off }) => off.p99Ms)) - Math.min(...pairs.map(({ off }) => off.p99Ms));
    report({
      what: "the same: p99 from publishing to the stream",
      figure: `${number(p99On)} ms (p50 ${number(middle(({ on }) => on.p50Ms))} ms)`,
      baseline: `off ${number(p99Off)} ms (p50 ${number(middle(({ off }) => off.p50Ms))} ms), spread ${number(spread)} ms`,
      target: "within the spread of off",
      ok: p99On - p99Off <= Math.max(spread, 1),
    });
  } finally {
    for (const server of Object.values(servers)) await server.stop();
    await lab.close();
  }
}

async function measure(lab: Lab, server: BenchServer, load: (typeof cases)[number]): Promise<Measured> {
  await lab.subscribe(server, "ws", Array(streams).fill("events=Bench"));
  const before = cpuNsOf(server.pid);
  const { published, account } = await lab.deliver(server, { ...load, event: "Bench", streams, seconds });
  const cpuNs = cpuNsOf(server.pid) - before;
  await lab.unsubscribe();
  if (published.refused + account.lost > 0) throw new Error(`refused ${published.refused}, lost ${account.lost}`);
  return {
    corePercent: (cpuNs / 1e9 / (published.answered / load.eventsPerSecond)) * 100,
    p50Ms: account.latency.p50Ms,
    p99Ms: account.latency.p99Ms,
  };
}

/** CPU time of all threads, finer than the clock ticks of `stat`. */
function cpuNsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
    0,
  );
}

function report(figure: Parameters<typeof tableRow>[1]): void {
  if (!figure.ok) missed++;
  process.stdout.write(tableRow("telemetry", figure));
}

/** A copy, so that a build made meanwhile does not change what is measured. */
function build(into: string): string {
  const { exitCode, stderr } = Bun.spawnSync(["bun", "run", "build"], { cwd: join(import.meta.dir, "../.."), stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`the build failed: ${stderr}`);
  const binary = join(into, "matric");
  copyFileSync(join(import.meta.dir, "../../dist/matric"), binary);
  return binary;
}
