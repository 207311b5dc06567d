import type { StreamTransport } from "../load/stream-socket.ts";
import { openFilesMax, pssKbOf, rssKbOf } from "../machine.ts";
import { type Bench, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const idle = 5000;
const kbMax = { ws: 16, sse: 20 };
const cycles = 10_000;
const looksPerRound = 10;
/** The allocator gives memory back when it likes: up to here it is flat. A leak of 1 KB per connection would be more. */
const growthMbMax = 5;

/** What a connection costs that only waits, and whether connections that went away leave anything behind. */
export const memory: Scenario = async (bench) => {
  for (const transport of ["ws", "sse"] as const) {
    await perConnection(bench, transport);
    await churn(bench, transport);
  }
};

async function perConnection({ binary, lab, report }: Bench, transport: StreamTransport): Promise<void> {
  const count = Math.min(idle, openFilesMax() - 500);
  const server = await BenchServer.matric(binary);
  try {
    // What is made once, however many connect.
    await lab.subscribe(server, transport, Array(50).fill("events=Bench"));
    await Bun.sleep(2000);
    const before = pssKbOf(server.pid);
    await lab.subscribe(server, transport, Array(count).fill("events=Bench"));
    await Bun.sleep(3000);
    const kb = (pssKbOf(server.pid) - before) / count;
    report({
      what: `${transport}: memory of one idle connection, of ${number(count)}`,
      figure: `${number(kb)} KB`,
      target: `<= ${kbMax[transport]} KB`,
      ok: count === idle && kb <= kbMax[transport],
    });
  } finally {
    await lab.unsubscribe();
    await server.stop();
  }
}

async function churn({ binary, lab, report }: Bench, transport: StreamTransport): Promise<void> {
  const server = await BenchServer.matric(binary);
  const path = `/api/v1/${transport === "ws" ? "ws" : "events"}?events=Bench`;
  // Memory rises until the collector runs: what counts is how far it comes down.
  const leastMb = async () => {
    const looks: number[] = [];
    for (let look = 0; look < looksPerRound; look++) {
      await lab.subscriber.call("churn", { target: { port: server.port, transport, path }, cycles: cycles / looksPerRound });
      await Bun.sleep(500);
      looks.push(rssKbOf(server.pid) / 1024);
    }
    return Math.min(...looks);
  };
  try {
    await leastMb();
    const before = await leastMb();
    const after = await leastMb();
    report({
      what: `${transport}: RSS before and after ${number(cycles)} connect/abort cycles`,
      figure: `${number(before)} MB, ${number(after)} MB`,
      target: `flat: + <= ${growthMbMax} MB`,
      ok: after - before <= growthMbMax,
    });
  } finally {
    await server.stop();
  }
}
