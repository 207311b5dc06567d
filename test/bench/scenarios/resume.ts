import type { Lab } from "../lab.ts";
import type { StreamTransport } from "../load/stream-socket.ts";
import { median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const behind = 100_000;

/** One client that is 100,000 events behind. */
export const resume: Scenario = async ({ binary, quick, lab, report }) => {
  const server = await BenchServer.matric(binary);
  try {
    const load = {
      event: "Bench",
      streams: 0,
      eventsPerSecond: 20_000,
      seconds: behind / 20_000,
      eventsPerPost: 100,
      connections: 1,
    };
    const { published, firstSeq } = await lab.deliver(server, load);
    if (published.answered !== behind) throw new Error(`only ${published.answered} events were taken: ${published.refusal}`);
    for (const transport of ["sse", "ws"] as const) {
      const rates: number[] = [];
      // The first time only warms up.
      for (let round = 0; round <= (quick ? 3 : 7); round++) {
        const rate = await resumeOnce(lab, server, transport, firstSeq);
        if (round > 0) rates.push(rate);
      }
      report({
        what: `${transport}: events a second on one stream, ${number(behind)} behind`,
        figure: number(median(rates)),
        target: ">= 200,000",
        ok: median(rates) >= 200_000,
      });
    }
  } finally {
    await server.stop();
  }
};

async function resumeOnce(lab: Lab, server: BenchServer, transport: StreamTransport, firstSeq: number): Promise<number> {
  await lab.expect({ firstSeq, events: behind, publishers: 1, streams: 1 });
  const { startedAtUs } = await lab.subscribe(server, transport, ["events=Bench&since=earliest"]);
  const account = await lab.settle(behind, 1);
  await lab.unsubscribe();
  if (account.lost + account.twice + account.disordered > 0) throw new Error(`resuming went wrong: ${JSON.stringify(account)}`);
  return (behind / (account.lastAtUs - startedAtUs)) * 1e6;
}
