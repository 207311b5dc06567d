import { undisturbed } from "../lab.ts";
import { number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const streams = 100;
const load = { event: "Bench", streams, eventsPerSecond: 1000, eventsPerPost: 1, connections: 16 };

/** 100 subscribers, 1,000 events a second, each event a request of its own, to the disk before it is answered. */
export const deliver: Scenario = async ({ binary, quick, lab, report, note }) => {
  for (const transport of ["ws", "sse"] as const) {
    const server = await BenchServer.matric(binary);
    try {
      await lab.subscribe(server, transport, Array(streams).fill("events=Bench"));
      await lab.deliver(server, { ...load, seconds: 3 });
      const { published, account, serverCores, otherCores } = await undisturbed(() =>
        lab.deliver(server, { ...load, seconds: quick ? 10 : 30 }),
      );
      const wrong = [account.lost, account.twice, account.disordered, published.refused];
      report({
        what: `${transport}: lost, twice, disordered, refused`,
        figure: `${wrong.join(", ")} of ${number(account.received)}`,
        target: "0",
        ok: account.received > 0 && !published.overloaded && wrong.every((count) => count === 0),
      });
      report({
        what: `${transport}: delivery p99 (p50, worst)`,
        figure: `${number(account.latency.p99Ms)} ms (${number(account.latency.p50Ms)}, ${number(account.latency.maxMs)})`,
        target: "<= 5 ms",
        ok: account.latency.p99Ms <= 5,
      });
      report({
        what: `${transport}: request to committed answer p99 (p50, worst)`,
        figure: `${number(published.emission.p99Ms)} ms (${number(published.emission.p50Ms)}, ${number(published.emission.maxMs)})`,
        target: "<= 10 ms",
        ok: published.emission.p99Ms <= 10,
      });
      note(`${transport}: server ${number(serverCores)} core, other programs ${number(otherCores)} core`);
    } finally {
      await lab.unsubscribe();
      await server.stop();
    }
  }
};
