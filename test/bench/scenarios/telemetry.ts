import { readdirSync, readFileSync } from "node:fs";
import type { Lab } from "../lab.ts";
import { type Bench, median, midmean, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const streams = 100;
const seconds = 1;
const lineMsMax = 1000;

/** Of one core, in per cent; the events of one post share a transaction. */
const loads = [
  { eventsPerSecond: 1000, eventsPerPost: 1, connections: 16, corePercentMax: 1 },
  { eventsPerSecond: 10_000, eventsPerPost: 20, connections: 16, corePercentMax: 5 },
];
type Load = (typeof loads)[number];

interface Measured {
  corePercent: number;
  p50Ms: number;
  p99Ms: number;
}

/** What the mirror and the metrics cost, on against off, in turn; and how soon a line is out. */
export const telemetry: Scenario = async (bench) => {
  for (const load of loads) await compare(bench, load);
  await lateness(bench);
};

async function compare({ binary, quick, lab, report }: Bench, load: Load): Promise<void> {
  // Many short rounds: what is looked for is smaller than the difference between two rounds of the same server.
  const rounds = quick ? 12 : 60;
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
    const extra = midmean(pairs.map(({ on, off }) => on.corePercent - off.corePercent));
    report({
      what: `${number(load.eventsPerSecond)} events/s in posts of ${load.eventsPerPost}, ${streams} streams: CPU of one core`,
      figure: `+${number(extra)} %, the mean of the middle half of ${rounds} differences (on ${number(middle(({ on }) => on.corePercent))} %)`,
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
  }
}

async function lateness({ binary, lab, report }: Bench): Promise<void> {
  const load = { eventsPerSecond: 10_000, eventsPerPost: 20, connections: 16, corePercentMax: 5 };
  const late: number[] = [];
  const server = await BenchServer.matric(binary, undefined, {}, (line) => {
    if (line.includes('"event.type":"Bench"')) late.push(Date.now() - Date.parse(line.slice(14, 38)));
  });
  try {
    await measure(lab, server, load);
  } finally {
    await server.stop();
  }
  late.sort((a, b) => a - b);
  const [p50, max] = [median(late), late.at(-1) ?? Number.NaN];
  report({
    what: `10,000 events/s: from an event to its line, the latest of ${late.length.toLocaleString("en-US")}`,
    figure: `${number(max)} ms (p50 ${number(p50)} ms)`,
    target: `< ${lineMsMax} ms`,
    ok: late.length === load.eventsPerSecond * seconds && max < lineMsMax,
  });
}

async function measure(lab: Lab, server: BenchServer, load: Load): Promise<Measured> {
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
