import { type Delivered, type Lab, undisturbed } from "../lab.ts";
import type { StreamTransport } from "../load/stream-socket.ts";
import { median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const streams = 100;
const load = { event: "Bench", streams, eventsPerPost: 20, connections: 16 };
const p99MsMax = 500;
const firstRate = 6000;
const stepsMax = 12;

/** Events posted in arrays of 20 to 100 subscribers: the most deliveries that get through, beside a server that only hands on. */
export const fanout: Scenario = async ({ binary, quick, lab, report, note }) => {
  for (const transport of ["ws", "sse"] as const) {
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      ours.push(await ramp(lab, transport, () => BenchServer.matric(binary), quick));
      bare.push(await ramp(lab, transport, () => BenchServer.baseline("bare-server.ts"), quick));
    }
    const ratio = median(ours) / median(bare);
    report({
      what: `${transport}: deliveries a second`,
      figure: `${number(median(ours))}, ratio ${number(ratio)}`,
      baseline: `${number(median(bare))} by bare Bun`,
      target: "ratio >= 0.8",
      ok: ratio >= 0.8,
    });
  }
  note(
    `single posts beside Nchan (targets: 2.5 times over WebSocket, 4 times over SSE) are measured with the rig of the peers, in one run:
  bun rig.ts run nchan-ws,nchan-sse --phases ramp
  bun rig.ts custom --name matric-sse --phases ramp --cmd 'dist/matric serve --data-dir ./data' --ready-port 6287 \\
    --sse 'http://127.0.0.1:6287/api/v1/events?events=Bench' --ready ConnectionOpened \\
    --pub http://127.0.0.1:6287/api/v1/events --pub-body '{"event":"Bench","data":{{PAYLOAD}}}'
  bun rig.ts custom --name matric-ws … --ws 'http://127.0.0.1:6287/api/v1/ws?events=Bench' --ready QueueStatus
  bun rig.ts table`,
  );
};

/** Raises the rate until something is lost or late, and closes in on where that begins. Every failed step gets a new server. */
async function ramp(lab: Lab, transport: StreamTransport, start: () => Promise<BenchServer>, quick: boolean): Promise<number> {
  const seconds = quick ? 1.5 : 3;
  let best = 0;
  let held = 0;
  let failed = Number.POSITIVE_INFINITY;
  let rate = firstRate;
  let server: BenchServer | undefined;
  try {
    for (let step = 0; step < stepsMax && failed / Math.max(held, 1) > 1.08; step++) {
      server ??= await startWithStreams(lab, transport, start);
      const current = server;
      const result = await undisturbed(() => lab.deliver(current, { ...load, eventsPerSecond: rate, seconds }));
      if (isGood(result)) {
        held = rate;
        best = Math.max(best, result.deliveriesPerSecond);
      } else {
        failed = rate;
        await lab.unsubscribe();
        await server.stop();
        server = undefined;
      }
      rate = failed === Number.POSITIVE_INFINITY ? rate * 1.5 : held === 0 ? rate / 2 : Math.sqrt(held * failed);
    }
  } finally {
    await lab.unsubscribe();
    await server?.stop();
  }
  return best;
}

async function startWithStreams(lab: Lab, transport: StreamTransport, start: () => Promise<BenchServer>): Promise<BenchServer> {
  const server = await start();
  await lab.subscribe(server, transport, Array(streams).fill("events=Bench"));
  await lab.deliver(server, { ...load, eventsPerSecond: 2000, seconds: 1.5 });
  return server;
}

function isGood({ published, account }: Delivered): boolean {
  const wrong = account.lost + account.twice + account.disordered + published.refused;
  return wrong === 0 && !published.overloaded && account.latency.p99Ms < p99MsMax;
}
