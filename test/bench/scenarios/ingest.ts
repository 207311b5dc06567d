import type { Lab } from "../lab.ts";
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
    const rates = await repeated(quick, () => flatOut(lab, server, load, quick));
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

async function singles({ binary, quick, lab, report }: Bench): Promise<void> {
  const load = { connections: 64, eventsPerPost: 1 };
  const server = await BenchServer.matric(binary);
  const empty = await BenchServer.baseline("empty-route.ts");
  try {
    // In turn, so that both meet the same weather.
    const pairs = await repeated(quick, async () => {
      const ours = await flatOut(lab, server, load, quick);
      return { ours, bare: await flatOut(lab, empty, load, quick) };
    });
    const ours = median(pairs.map((pair) => pair.ours));
    const bare = median(pairs.map((pair) => pair.bare));
    const ratio = median(pairs.map((pair) => pair.ours / pair.bare));
    report({
      what: "64 clients, single events: events a second",
      figure: `${number(ours)}, ratio ${number(ratio)}`,
      baseline: `${number(bare)} by an empty Elysia route`,
      target: "ratio >= 0.6",
      ok: ratio >= 0.6,
    });
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

async function flatOut(
  lab: Lab,
  server: BenchServer,
  load: { connections: number; eventsPerPost: number },
  quick: boolean,
): Promise<number> {
  const published = await lab.publisher.call("flatOut", {
    ...load,
    port: server.port,
    event: "Bench",
    forMs: quick ? 2000 : 4000,
  });
  if (published.refused > 0) throw new Error(`the server refused: ${published.refusal}`);
  return (published.answered / (published.endedAtUs - published.startedAtUs)) * 1e6;
}
