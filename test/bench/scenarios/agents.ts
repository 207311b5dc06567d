import { join } from "node:path";
import { type Revision, revisions } from "../../support/mcp.ts";
import { Histogram } from "../histogram.ts";
import { BenchAgent } from "../load/agent.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { postOf } from "../load/post.ts";
import type { ToolCalls } from "../load/tool-calls.ts";
import { WorkerProcess } from "../load/worker-process.ts";
import { onCore, pssKbOf } from "../machine.ts";
import { nowUs } from "../monotonic.ts";
import { type Bench, median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const latencyMsMax = 20;
const waiting = 1000;
const waitingMbMax = 32;
const idleCpuPercentMax = 2;
const ratioMin = 0.7;

/** Agents: how soon they are told, what they cost while they wait, and how fast their tools are. */
export const agents: Scenario = async (bench) => {
  for (const revision of revisions) {
    await told(bench, revision);
    await idle(bench, revision);
    await tools(bench, revision);
  }
};

async function told({ binary, quick, report }: Bench, revision: Revision): Promise<void> {
  const server = await BenchServer.matric(binary);
  try {
    const agent = await BenchAgent.overNetwork(server.port, revision);
    let after = cursorOf(await agent.call("wait_for_events", { timeout_ms: 0 }));
    const answered = Promise.withResolvers<void>();
    let committedAtUs = 0;
    const publisher = await HttpConnection.open(server.port, 0, () => {
      committedAtUs = nowUs();
      answered.resolve();
    });
    const latency = new Histogram();
    for (let n = 0; n < (quick ? 200 : 1000); n++) {
      const waited = agent.call("wait_for_events", { after, events: ["Bench"] }).then((text) => ({ text, atUs: nowUs() }));
      await Bun.sleep(5 + Math.random() * 10);
      publisher.send(postOf(['{"event":"Bench","data":{}}']), nowUs());
      const { text, atUs } = await waited;
      while (publisher.isBusy) await Bun.sleep(0);
      latency.add(atUs - committedAtUs);
      after = cursorOf(text);
    }
    publisher.close();
    const { p50Ms, p99Ms, maxMs } = latency.summary();
    report({
      what: `${revision}: commit to answer of wait_for_events p99 (p50, worst)`,
      figure: `${number(p99Ms)} ms (${number(p50Ms)}, ${number(maxMs)})`,
      target: `<= ${latencyMsMax} ms`,
      ok: p99Ms <= latencyMsMax,
    });
  } finally {
    await server.stop();
  }
}

async function idle({ binary, quick, report }: Bench, revision: Revision): Promise<void> {
  const server = await BenchServer.matric(binary);
  try {
    const wait = async (count: number) => {
      const connections: HttpConnection[] = [];
      for (let n = 0; n < count; n++) {
        const agent = await BenchAgent.overNetwork(server.port, revision);
        const connection = await HttpConnection.open(server.port, n, () => {});
        connection.send(agent.bytes("wait_for_events", { events: ["Bench"], timeout_ms: 50_000 }), 0);
        connections.push(connection);
      }
      await Bun.sleep(2000);
      return connections;
    };
    // What is loaded once, however many come.
    for (const connection of await wait(50)) connection.close();
    await Bun.sleep(2000);
    const before = pssKbOf(server.pid);
    const connections = await wait(waiting - 50);
    const mb = ((pssKbOf(server.pid) - before) / 1024) * (waiting / connections.length);
    const cpuBefore = server.cpuSeconds();
    const seconds = quick ? 5 : 20;
    await Bun.sleep(seconds * 1000);
    const cpuPercent = (100 * (server.cpuSeconds() - cpuBefore)) / seconds;
    for (const connection of connections) connection.close();
    report({
      what: `${revision}: memory of ${number(waiting)} agents that wait`,
      figure: `${number(mb)} MB`,
      target: `<= ${waitingMbMax} MB`,
      ok: mb <= waitingMbMax,
    });
    report({
      what: `${revision}: CPU while they wait`,
      figure: `${number(cpuPercent)} %`,
      target: `<= ${idleCpuPercentMax} %`,
      ok: cpuPercent <= idleCpuPercentMax,
    });
  } finally {
    await server.stop();
  }
}

/** By CPU and not by the clock: what other programs take says nothing about the server. */
async function tools({ quick, report }: Bench, revision: Revision): Promise<void> {
  const calls = await WorkerProcess.start<ToolCalls>(
    onCore(0, [process.execPath, join(import.meta.dir, "../load/tool-calls.ts")]),
  );
  try {
    await calls.call("rates", { revision, forMs: 1000 });
    const rounds = [];
    for (let round = 0; round < (quick ? 3 : 9); round++) rounds.push(await calls.call("rates", { revision, forMs: 1000 }));
    const own = median(rounds.map((round) => round.own));
    const bare = median(rounds.map((round) => round.bare));
    // Of each round by itself: what disturbs one disturbs both of its rates.
    const ratio = median(rounds.map((round) => round.own / round.bare));
    report({
      what: `${revision}: get_note, calls per second of CPU`,
      figure: `${number(own)} (${number(ratio)} of the SDK's)`,
      baseline: `${number(bare)} (the SDK's echo, in the same process)`,
      target: `>= ${ratioMin} of it`,
      ok: ratio >= ratioMin,
    });
  } finally {
    await calls.stop();
  }
}

function cursorOf(text: string): string {
  return /next_cursor\\":\\"([^"\\]+)/.exec(text)?.[1] ?? "";
}
