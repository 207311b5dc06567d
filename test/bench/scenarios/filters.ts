import type { StreamTransport } from "../load/stream-socket.ts";
import { type Bench, median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const count = 1000;

/** What filters cost the server: CPU time, measured from outside. */
export const filters: Scenario = async (bench) => {
  await matchingNone(bench);
  for (const transport of ["ws", "sse"] as const) await matchingAll(bench, transport);
};

/** All kinds of filters, none of which takes an event named Bench. */
function othersQuery(index: number): string {
  const kinds = [
    `events=Other${index}`,
    `events=Family${index}*`,
    `note_id=n${index}`,
    `job_id=j${index}`,
    `topics=note:n${index}`,
    `events=Other${index}&topics=custom`,
    `events=Other${index},Another${index}`,
    `events=Bench&note_id=n${index}`,
  ];
  return kinds[index % kinds.length] ?? "";
}

async function matchingNone({ binary, quick, lab, report }: Bench): Promise<void> {
  const many = await BenchServer.matric(binary);
  const one = await BenchServer.matric(binary);
  try {
    await lab.subscribe(
      many,
      "sse",
      Array.from({ length: count }, (_, index) => othersQuery(index)),
    );
    await lab.subscribe(one, "sse", ["events=Bench"]);
    const cost = async (server: BenchServer) => {
      const load = { connections: 1, eventsPerPost: 100, event: "Bench", forMs: quick ? 2000 : 4000 };
      const { serverCores, eventsPerSecond } = await lab.ingest(server, load);
      return (serverCores / eventsPerSecond) * 1e6;
    };
    await cost(many);
    await cost(one);
    const pairs: { none: number; single: number }[] = [];
    for (let round = 0; round < (quick ? 3 : 7); round++) pairs.push({ none: await cost(many), single: await cost(one) });
    const ratio = median(pairs.map(({ none, single }) => none / single));
    report({
      what: `server CPU of an event that none of ${number(count)} filters takes`,
      figure: `${number(median(pairs.map(({ none }) => none)))} µs, ratio ${number(ratio)}`,
      baseline: `${number(median(pairs.map(({ single }) => single)))} µs with one filter that takes it`,
      target: "ratio <= 1.2",
      ok: ratio <= 1.2,
    });
  } finally {
    await lab.unsubscribe();
    await many.stop();
    await one.stop();
  }
}

async function matchingAll(bench: Bench, transport: StreamTransport): Promise<void> {
  const distinct: number[] = [];
  const same: number[] = [];
  for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
    distinct.push(await costOfDelivery(bench, transport, (index) => `events=Bench,Other${index}`));
    same.push(await costOfDelivery(bench, transport, () => "events=Bench"));
  }
  const ratio = median(distinct) / median(same);
  bench.report({
    what: `${transport}: server CPU of an event that ${number(count)} filters of one subscriber each take`,
    figure: `${number(median(distinct))} ms, ratio ${number(ratio)}`,
    baseline: `${number(median(same))} ms with one filter of all`,
    target: "ratio <= 3",
    ok: ratio <= 3,
  });
}

/** Milliseconds for one event to `count` subscribers. */
async function costOfDelivery(
  { binary, quick, lab }: Bench,
  transport: StreamTransport,
  query: (index: number) => string,
): Promise<number> {
  const server = await BenchServer.matric(binary);
  const load = { event: "Bench", streams: count, eventsPerSecond: 200, eventsPerPost: 20, connections: 1 };
  try {
    await lab.subscribe(
      server,
      transport,
      Array.from({ length: count }, (_, index) => query(index)),
    );
    await lab.deliver(server, { ...load, seconds: 2 });
    const { account, published, serverCpuSeconds } = await lab.deliver(server, { ...load, seconds: quick ? 4 : 8 });
    if (account.lost + account.twice + account.disordered > 0) throw new Error(`delivery went wrong: ${JSON.stringify(account)}`);
    return (serverCpuSeconds / published.answered) * 1000;
  } finally {
    await lab.unsubscribe();
    await server.stop();
  }
}
