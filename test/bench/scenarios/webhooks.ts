import { openDb } from "../../../src/db/open.ts";
import { WebhookStore } from "../../../src/webhooks/store.ts";
import { type Lab, undisturbed } from "../lab.ts";
import { rssKbOf } from "../machine.ts";
import { type Bench, median, number, type Scenario } from "../scenario.ts";
import { BenchServer } from "../server.ts";

const heldSteps = [0, 100_000, 250_000, 500_000, 1_000_000];
/** Before, the cache of the database fills. */
const flatFrom = 250_000;
const concurrency = 16;
const others = 1000;
/** Nobody listens there. */
const refusing = "http://127.0.0.1:9/";
/** What is measured twice differs by less. 14 bytes per event that is held would be more. */
const growthMbMax = 10;
/** Requests, answers and rows that are under way. */
const sendingMbMax = 40;

/** What webhooks promise: soon, many, undisturbed by others, at no cost to those who publish, and held without memory. */
export const webhooks: Scenario = async (bench) => {
  await lateness(bench);
  await throughput(bench);
  await besideTroubled(bench, {
    many: 1,
    troubles: ["hanging", "answering without end", "refusing"],
    eventsPerSecond: 20,
    seconds: 4,
  });
  await besideTroubled(bench, { many: others, troubles: ["refusing"], eventsPerSecond: 2, seconds: 3 });
  await besideOthers(bench);
  await held(bench);
};

const allowed = { MATRIC_WEBHOOK_ALLOW: "127.0.0.1" };
const matric = ({ binary }: Bench) => BenchServer.matric(binary, () => {}, allowed);

interface Registration {
  url: string;
  events: string[];
  secret: string;
  max_concurrency: number;
}

const registration = (url: string): Registration => ({
  url,
  events: ["Bench"],
  secret: "s".repeat(32),
  max_concurrency: concurrency,
});

/** Returns its id. */
async function register(server: BenchServer, webhook: Registration): Promise<string> {
  const body = JSON.stringify(webhook);
  const url = `http://127.0.0.1:${server.port}/api/v1/webhooks`;
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!response.ok) throw new Error(`a webhook was refused: ${await response.text()}`);
  const { id } = (await response.json()) as { id: string };
  return id;
}

async function registerMany(lab: Lab, server: BenchServer, count: number): Promise<void> {
  const port = await lab.subscriber.call("takeWebhooks", null);
  for (let hook = 0; hook < count; hook++) await register(server, registration(`http://127.0.0.1:${port}/${hook}`));
}

async function lateness(bench: Bench): Promise<void> {
  const { quick, lab, report } = bench;
  const streams = 10;
  const server = await matric(bench);
  try {
    await registerMany(lab, server, streams);
    const load = { event: "Bench", streams, eventsPerSecond: 100, eventsPerPost: 1, connections: 16 };
    await lab.deliver(server, { ...load, seconds: 3 });
    const { account } = await undisturbed(() => lab.deliver(server, { ...load, seconds: quick ? 5 : 20 }));
    const { p50Ms, p99Ms, maxMs } = account.latency;
    report({
      what: "100 events/s to 10 webhooks, publishing to first attempt p99 (p50, worst)",
      figure: `${number(p99Ms)} ms (${number(p50Ms)}, ${number(maxMs)}), ${account.lost} lost, ${account.twice} twice`,
      target: "<= 50 ms",
      ok: p99Ms <= 50 && account.lost + account.twice === 0,
    });
  } finally {
    await lab.unsubscribe();
    await server.stop();
  }
}

async function throughput(bench: Bench): Promise<void> {
  const { quick, lab, report } = bench;
  const server = await matric(bench);
  const bare = await BenchServer.baseline("fetch-hooks.ts");
  try {
    await registerMany(lab, server, 1);
    await registerMany(lab, bare, 1);
    // More than can be sent at once: what counts is how fast it goes out.
    const load = {
      event: "Bench",
      streams: 1,
      eventsPerSecond: 20_000,
      seconds: quick ? 1 : 2,
      eventsPerPost: 100,
      connections: 1,
    };
    const rate = async (to: BenchServer) => {
      const { account, deliveriesPerSecond } = await undisturbed(() => lab.deliver(to, load));
      if (account.lost + account.twice > 0) throw new Error(`webhooks went wrong: ${JSON.stringify(account)}`);
      return deliveriesPerSecond;
    };
    const pairs: { ours: number; bare: number }[] = [];
    for (let round = 0; round <= (quick ? 3 : 5); round++) {
      const pair = { ours: await rate(server), bare: await rate(bare) };
      if (round > 0) pairs.push(pair);
    }
    const ratio = median(pairs.map((pair) => pair.ours / pair.bare));
    report({
      what: `webhooks a second to one receiver, ${concurrency} at a time, each recorded`,
      figure: `${number(median(pairs.map((pair) => pair.ours)))}, ratio ${number(ratio)}`,
      baseline: `${number(median(pairs.map((pair) => pair.bare)))} by a loop of fetch that records nothing`,
      target: "ratio >= 0.4",
      ok: ratio >= 0.4,
    });
  } finally {
    await lab.unsubscribe();
    await server.stop();
    await bare.stop();
  }
}

/** Paths of the receiver, or a place where nobody listens. */
const troublesome = { hanging: "silent", "answering without end": "endless", refusing: undefined };

interface Besides {
  /** How many there are, in trouble or well. */
  many: number;
  troubles: (keyof typeof troublesome)[];
  eventsPerSecond: number;
  seconds: number;
}

/** Servers that differ only in how the others are take turns, so that whatever the machine does meets all of them. */
async function besideTroubled(bench: Bench, { many, troubles, eventsPerSecond, seconds }: Besides): Promise<void> {
  const { quick, lab, report } = bench;
  const healthy = 99;
  const port = await lab.subscriber.call("takeWebhooks", null);
  const servers: BenchServer[] = [];
  const start = async (path: string | undefined) => {
    const server = await BenchServer.matric(bench.binary, () => {}, { ...allowed, MATRIC_WEBHOOKS_MAX: "2000" });
    servers.push(server);
    await registerMany(lab, server, healthy);
    const url = path === undefined ? refusing : `http://127.0.0.1:${port}/${path}`;
    for (let one = 0; one < many; one++) await register(server, registration(url));
    return server;
  };
  const p95 = async (server: BenchServer) => {
    const load = { event: "Bench", streams: healthy, eventsPerSecond, seconds, eventsPerPost: 1, connections: 4 };
    const { account } = await undisturbed(() => lab.deliver(server, load));
    if (account.lost + account.twice > 0) throw new Error(`webhooks went wrong: ${JSON.stringify(account)}`);
    return account.latency.p95Ms;
  };
  try {
    const alone = await start("quick");
    const beside = await Promise.all(troubles.map((trouble) => start(troublesome[trouble])));
    const rounds: { alone: number; beside: number[] }[] = [];
    for (let round = 0; round <= (quick ? 3 : 7); round++) {
      const before = await p95(alone);
      const those: number[] = [];
      for (const server of beside) those.push(await p95(server));
      // One measured before and one after, since the machine may become faster or slower meanwhile.
      if (round > 0) rounds.push({ alone: (before + (await p95(alone))) / 2, beside: those });
    }
    for (const [index, trouble] of troubles.entries()) {
      const ratio = median(rounds.map((round) => (round.beside[index] ?? Number.NaN) / round.alone));
      report({
        what: `${healthy} webhooks beside ${number(many)} ${trouble}: publishing to first attempt p95`,
        figure: `${number(median(rounds.map((round) => round.beside[index] ?? Number.NaN)))} ms, ratio ${number(ratio)}`,
        baseline: `${number(median(rounds.map((round) => round.alone)))} ms beside ${number(many)} healthy`,
        target: "ratio < 1.1",
        ok: ratio < 1.1,
      });
    }
  } finally {
    await lab.unsubscribe();
    for (const server of servers) await server.stop();
  }
}

async function besideOthers(bench: Bench): Promise<void> {
  const { quick, lab, report } = bench;
  const many = await matric(bench);
  const none = await matric(bench);
  try {
    for (let hook = 0; hook < others; hook++) {
      await register(many, { ...registration(`${refusing}${hook}`), events: [`Other${hook}`, `Family${hook}*`] });
    }
    const cost = async (server: BenchServer) => {
      const load = { connections: 16, eventsPerPost: 1, event: "Bench", forMs: quick ? 1500 : 3000 };
      const { serverCores, eventsPerSecond } = await lab.ingest(server, load);
      return (serverCores / eventsPerSecond) * 1e6;
    };
    const pairs: { many: number; none: number }[] = [];
    for (let round = 0; round <= (quick ? 4 : 9); round++) {
      const pair = { many: await cost(many), none: await cost(none) };
      if (round > 0) pairs.push(pair);
    }
    const ratio = median(pairs.map((pair) => pair.many / pair.none));
    report({
      what: `server CPU of publishing beside ${number(others)} webhooks that want something else`,
      figure: `${number(median(pairs.map((pair) => pair.many)))} µs, ratio ${number(ratio)}`,
      baseline: `${number(median(pairs.map((pair) => pair.none)))} µs with none`,
      target: "ratio <= 1.1",
      ok: ratio <= 1.1,
    });
  } finally {
    await many.stop();
    await none.stop();
  }
}

/** Beside a server that has no webhook at all: what both take is the price of the log, not of what is held. */
async function held(bench: Bench): Promise<void> {
  const { lab, report } = bench;
  const port = await lab.subscriber.call("takeWebhooks", null);
  const server = await BenchServer.matric(bench.binary, (dataDir) => seedFailed(dataDir, `http://127.0.0.1:${port}/0`), allowed);
  const alone = await matric(bench);
  const publish = (to: BenchServer, events: number) => {
    const load = { event: "Bench", streams: 0, eventsPerSecond: 40_000, eventsPerPost: 100, connections: 1 };
    return lab.deliver(to, { ...load, seconds: events / load.eventsPerSecond });
  };
  const steps: { events: number; held: number; alone: number }[] = [];
  try {
    for (const events of heldSteps) {
      for (const to of [server, alone]) await publish(to, events - (steps.at(-1)?.events ?? 0));
      const [heldMb, aloneMb] = await Promise.all([leastMb(server), leastMb(alone)]);
      steps.push({ events, held: heldMb, alone: aloneMb });
    }
    const list = (of: "held" | "alone") => steps.map((step) => `${number(step.events)}: ${number(step[of])}`).join(", ");
    const from = steps.find(({ events }) => events === flatFrom);
    const last = steps.at(-1);
    if (!from || !last) throw new Error("the steps of the measurement are wrong");
    const growth = last.held - from.held;
    report({
      what: `RSS in MB with so many events held for a failed webhook; growth from ${number(flatFrom)} on`,
      figure: `${list("held")}; ${number(growth)} MB`,
      target: `flat: <= ${growthMbMax} MB`,
      ok: growth <= growthMbMax,
    });
    const more = last.held - last.alone;
    report({
      what: `RSS with ${number(last.events)} events held, beside a server that has no webhook`,
      figure: `${number(more)} MB more`,
      baseline: list("alone"),
      target: `<= ${growthMbMax} MB more`,
      ok: more <= growthMbMax,
    });
    const [webhook] = ((await (await fetch(`http://127.0.0.1:${server.port}/api/v1/webhooks`)).json()) as Listed).items;
    await fetch(`http://127.0.0.1:${server.port}/api/v1/webhooks/${webhook?.id}/enable`, { method: "POST" });
    const whileSent = await leastMb(server);
    report({
      what: "RSS while they are sent",
      figure: `${number(whileSent)} MB`,
      baseline: `${number(last.held)} MB before`,
      target: `flat: + <= ${sendingMbMax} MB`,
      ok: whileSent - last.held <= sendingMbMax,
    });
  } finally {
    await lab.unsubscribe();
    await server.stop();
    await alone.stop();
  }
}

interface Listed {
  items: { id: string }[];
}

/** Memory rises until the collector runs, and the allocator gives it back some seconds later: what counts is how far it comes down. */
async function leastMb(server: BenchServer): Promise<number> {
  const looks: number[] = [];
  for (let look = 0; look < 80; look++) {
    await Bun.sleep(250);
    looks.push(rssKbOf(server.pid) / 1024);
  }
  return Math.min(...looks);
}

/** A webhook that failed just now: it rests for hours. */
function seedFailed(dataDir: string, url: string): void {
  const db = openDb(dataDir, "normal");
  const webhooks = new WebhookStore(db);
  const now = Date.now();
  webhooks.insert({
    id: Bun.randomUUIDv7(),
    url,
    description: "",
    events: JSON.stringify(["Bench"]),
    topics: "[]",
    headers: "{}",
    format: "matric",
    ordered: 0,
    max_concurrency: concurrency,
    rate_limit_per_second: null,
    status: "failed",
    reason: "exhausted",
    status_at: now,
    cursor_seq: 0,
    failed_delivery_id: null,
    probes: 5,
    probe_at: now + 3_600_000,
    created_at: now,
    updated_at: now,
    token_id: null,
    hidden: "[]",
  });
  for (const { id } of webhooks.all()) webhooks.addSecret(id, "s".repeat(32), now, now);
  db.close();
}
