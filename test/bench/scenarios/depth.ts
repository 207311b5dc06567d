import { systemClock } from "../../../src/clock.ts";
import { openDb } from "../../../src/db/open.ts";
import { Writer } from "../../../src/db/writer.ts";
import { systemActor } from "../../../src/events/catalog.ts";
import type { EventDraft } from "../../../src/events/log.ts";
import { SqliteLog } from "../../../src/events/sqlite-log.ts";
import { silentLogger } from "../../../src/logger.ts";
import type { Lab } from "../lab.ts";
import { type Bench, median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const shallowEvents = 2000;
const deepEvents = 2_000_000;
const seedStep = 20_000;
/** How far behind the head the resuming client is. */
const behind = 2000;
const tolerance = 0.15;
const startMsMax = 1000;

/** Whether a long log is slower than a short one. */
export const depth: Scenario = async (bench) => {
  const { binary, quick, lab, report } = bench;
  const shallow = await BenchServer.matric(binary, (dataDir) => seed(dataDir, shallowEvents));
  const deep = await BenchServer.matric(binary, (dataDir) => seed(dataDir, deepEvents));
  try {
    report({
      what: `start with ${number(deepEvents)} events`,
      figure: `${number(deep.startMs)} ms`,
      baseline: `${number(shallow.startMs)} ms with ${number(shallowEvents)}`,
      target: `< ${number(startMsMax)} ms`,
      ok: deep.startMs < startMsMax,
    });
    await compare(bench, "appending: events a second", shallow, deep, (server) => append(lab, server, quick));
    await compare(bench, `resuming ${number(behind)} behind: events a second`, shallow, deep, (server) => resume(lab, server));
  } finally {
    await shallow.stop();
    await deep.stop();
  }
};

async function compare(
  { quick, report }: Bench,
  what: string,
  shallow: BenchServer,
  deep: BenchServer,
  measure: (server: BenchServer) => Promise<number>,
): Promise<void> {
  const pairs: { deep: number; shallow: number }[] = [];
  // The first time only warms up.
  for (let round = 0; round <= (quick ? 5 : 11); round++) {
    const pair = { deep: await measure(deep), shallow: await measure(shallow) };
    if (round > 0) pairs.push(pair);
  }
  const ratio = median(pairs.map((pair) => pair.deep / pair.shallow));
  report({
    what: `${what}, ${number(deepEvents)} in the log`,
    figure: `${number(median(pairs.map((pair) => pair.deep)))}, ratio ${number(ratio)}`,
    baseline: `${number(median(pairs.map((pair) => pair.shallow)))} with ${number(shallowEvents)}`,
    target: `ratio >= ${1 - tolerance}`,
    ok: ratio >= 1 - tolerance,
  });
}

async function append(lab: Lab, server: BenchServer, quick: boolean): Promise<number> {
  const load = { connections: 16, eventsPerPost: 1, event: "Bench", forMs: quick ? 700 : 1500 };
  return (await lab.ingest(server, load)).eventsPerSecond;
}

/** Writes some events at the end of the log and reads them again as a client that has missed them. */
async function resume(lab: Lab, server: BenchServer): Promise<number> {
  const load = { event: "Bench", streams: 0, eventsPerSecond: behind * 4, seconds: 0.25, eventsPerPost: 100, connections: 1 };
  const from = await head(server);
  const { firstSeq } = await lab.deliver(server, load);
  await lab.expect({ firstSeq, events: behind, publishers: 1, streams: 1 });
  const { startedAtUs } = await lab.subscribe(server, "sse", [`events=Bench&since=${from}`]);
  const account = await lab.settle(behind, 1);
  await lab.unsubscribe();
  if (account.lost > 0) throw new Error(`resuming lost ${account.lost} events`);
  return (behind / (account.lastAtUs - startedAtUs)) * 1e6;
}

async function head(server: BenchServer): Promise<string> {
  const health = (await (await fetch(`http://127.0.0.1:${server.port}/health`)).json()) as { log: { head: string } };
  return health.log.head;
}

/** Fills a log as the server itself does, only faster. */
async function seed(dataDir: string, events: number): Promise<void> {
  const db = openDb(dataDir, "normal");
  const writer = new Writer(db, silentLogger);
  const log = new SqliteLog(db, systemClock);
  for (let left = events; left > 0; left -= seedStep) {
    const drafts = Array.from({ length: Math.min(left, seedStep) }, (_, index) => draftOf(index));
    await writer.write((tx) => log.append(tx, drafts).length);
  }
  writer.stop();
  db.close();
}

function draftOf(index: number): EventDraft {
  const data = { note_id: `note-${index % 1000}`, title: "Quarterly planning notes", size: index };
  return { event: "Seeded", data, subject: null, actor: systemActor };
}
