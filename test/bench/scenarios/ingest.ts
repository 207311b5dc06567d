import { type Ingested, type Lab, undisturbed } from "../lab.ts";
import { type Bench, median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

/** How many events a second the server makes durable, with nobody listening. */
export const ingest: Scenario = async (bench) => {
  await arrays(bench);
  await singles(bench);
};

async function arrays({ binary, quick, lab, report }: Bench): Promise<void> {
  const server = await BenchServer.matric(binary);
  try {
    const load = { connections: 1, eventsPerPost: 100 };
    const rates = (await repeated(quick, () => flatOut(lab, server, load, quick))).map((one) => one.eventsPerSecond);
    report({
      what: "one client, arrays of 100: events a second",
      figure: number(median(rates)),
      target: ">= 50,000",
      ok: median(rates) >= 50_000,
    });
  } finally {
    await server.stop();
  }
}

async function singles({ binary, quick, lab, report, note }: Bench): Promise<void> {
  const load = { connections: 64, eventsPerPost: 1 };
  const server = await BenchServer.matric(binary);
  const empty = await BenchServer.baseline("empty-route.ts");
  try {
    // In turn, so that both meet the same weather.
    const pairs = await repeated(quick, async () => {
      const ours = await flatOut(lab, server, load, quick);
      return { ours, bare: await flatOut(lab, empty, load, quick) };
    });
    const ours = median(pairs.map((pair) => pair.ours.eventsPerSecond));
    const bare = median(pairs.map((pair) => pair.bare.eventsPerSecond));
    const ratio = median(pairs.map((pair) => pair.ours.eventsPerSecond / pair.bare.eventsPerSecond));
    report({
      what: "64 clients, single events: events a second",
      figure: `${number(ours)}, ratio ${number(ratio)}`,
      baseline: `${number(bare)} by an empty Elysia route`,
      target: "ratio >= 0.6",
      ok: ratio >= 0.6,
    });
    note(
      `64 clients: CPU ${cpuOf(pairs.map((pair) => pair.ours))} of the server, ${cpuOf(pairs.map((pair) => pair.bare))} of the empty route`,
    );
  } finally {
    await server.stop();
    await empty.stop();
  }
}

/** The first time only warms up. */
async function repeated<T>(quick: boolean, measure: () => Promise<T>): Promise<T[]> {
  await measure();
  const results: T[] = [];
  for (let round = 0; round < (quick ? 3 : 5); round++) results.push(await measure());
  return results;
}

function flatOut(
  lab: Lab,
  server: BenchServer,
  load: { connections: number; eventsPerPost: number },
  quick: boolean,
): Promise<Ingested> {
  return undisturbed(() => lab.ingest(server, { ...load, event: "Bench", forMs: quick ? 2000 : 4000 }));
}

function cpuOf(steps: readonly Ingested[]): string {
  return `${number(median(steps.map((step) => (step.serverCores / step.eventsPerSecond) * 1e6)))} µs an event`;
}
