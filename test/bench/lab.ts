import { join } from "node:path";
import type { Account, Expected } from "./load/ledger.ts";
import type { FlatOutRequest, Published, PublisherCalls } from "./load/publisher.ts";
import type { StreamTransport } from "./load/stream-socket.ts";
import type { SubscriberCalls } from "./load/subscriber.ts";
import { WorkerProcess } from "./load/worker-process.ts";
import { cpuSecondsOf, cpuSecondsOfAll, onCore } from "./machine.ts";
import { nowUs } from "./monotonic.ts";
import type { BenchServer } from "./server.ts";

export interface Load {
  event: string;
  streams: number;
  eventsPerSecond: number;
  seconds: number;
  eventsPerPost: number;
  connections: number;
}

/** What a step cost the server, and how much of a core other programs took meanwhile. */
export interface Watched {
  serverCpuSeconds: number;
  serverCores: number;
  otherCores: number;
}

export interface Delivered extends Watched {
  firstSeq: number;
  published: Published;
  account: Account;
  deliveriesPerSecond: number;
}

export interface Ingested extends Watched {
  eventsPerSecond: number;
}

/** Without a delivery for so long, what is missing counts as lost. */
const stalledMs = 2000;
/** With so much of a core taken by others a figure says little. */
const otherCoresMax = 0.2;
const triesMax = 3;

/** The processes that make the load, and what is done with them. */
export class Lab {
  #nextSeq = 1;
  readonly #zeroUs = nowUs();

  private constructor(
    readonly publisher: WorkerProcess<PublisherCalls>,
    readonly subscriber: WorkerProcess<SubscriberCalls>,
  ) {}

  static async open(): Promise<Lab> {
    const start = (script: string) => onCore(1, [process.execPath, join(import.meta.dir, "load", script)]);
    return new Lab(
      await WorkerProcess.start<PublisherCalls>(start("publisher.ts")),
      await WorkerProcess.start<SubscriberCalls>(start("subscriber.ts")),
    );
  }

  async close(): Promise<void> {
    await this.publisher.stop();
    await this.subscriber.stop();
  }

  /** Opens one stream per query of filters and cursors. */
  async subscribe(server: BenchServer, transport: StreamTransport, queries: string[]): Promise<{ startedAtUs: number }> {
    const path = transport === "ws" ? "/api/v1/ws" : "/api/v1/events";
    const paths = queries.map((query) => `${path}?${query}`);
    return this.subscriber.call("open", { target: { port: server.port, transport }, paths });
  }

  async unsubscribe(): Promise<void> {
    await this.subscriber.call("closeAll", null);
  }

  /** What the streams are about to get. */
  async expect(expected: Expected): Promise<void> {
    await this.subscriber.call("expect", { ...expected, zeroUs: this.#zeroUs });
  }

  /** Publishes at a rate to the streams that are open, and accounts for every event. */
  async deliver(server: BenchServer, load: Load): Promise<Delivered> {
    const posts = Math.ceil((load.eventsPerSecond * load.seconds) / load.eventsPerPost);
    const events = posts * load.eventsPerPost;
    const firstSeq = this.#nextSeq;
    this.#nextSeq += events;
    await this.expect({ firstSeq, events, publishers: load.connections, streams: load.streams });
    const { result, ...watched } = await this.#watch(server, async () => {
      const published = await this.publisher.call("paced", {
        ...load,
        port: server.port,
        firstSeq,
        events,
        zeroUs: this.#zeroUs,
      });
      return { published, account: await this.settle(published.answered, load.streams) };
    });
    const { published, account } = result;
    const deliverySeconds = (account.lastAtUs + this.#zeroUs - published.startedAtUs) / 1e6;
    return { ...watched, firstSeq, published, account, deliveriesPerSecond: account.received / deliverySeconds };
  }

  /** Publishes as much as the server takes. */
  async ingest(server: BenchServer, load: Omit<FlatOutRequest, "port">): Promise<Ingested> {
    const { result, ...watched } = await this.#watch(server, () =>
      this.publisher.call("flatOut", { ...load, port: server.port }),
    );
    if (result.refused > 0) throw new Error(`the server refused: ${result.refusal}`);
    return { ...watched, eventsPerSecond: (result.answered / (result.endedAtUs - result.startedAtUs)) * 1e6 };
  }

  async #watch<T>(server: BenchServer, step: () => Promise<T>): Promise<Watched & { result: T }> {
    const before = { server: server.cpuSeconds(), load: this.#cpuSeconds(), all: cpuSecondsOfAll(), atUs: nowUs() };
    const result = await step();
    const seconds = (nowUs() - before.atUs) / 1e6;
    const serverCpuSeconds = server.cpuSeconds() - before.server;
    const others = cpuSecondsOfAll() - before.all - serverCpuSeconds - (this.#cpuSeconds() - before.load);
    return { result, serverCpuSeconds, serverCores: serverCpuSeconds / seconds, otherCores: others / seconds };
  }

  /** Waits until every stream has what was answered, or nothing comes any more. */
  async settle(answered: number, streams: number): Promise<Account> {
    let received = -1;
    for (let changedUs = nowUs(); nowUs() - changedUs < stalledMs * 1000; await Bun.sleep(10)) {
      const now = await this.subscriber.call("received", null);
      if (now >= answered * streams) break;
      if (now !== received) changedUs = nowUs();
      received = now;
    }
    return this.subscriber.call("account", { answered });
  }

  #cpuSeconds(): number {
    return cpuSecondsOf(this.publisher.pid) + cpuSecondsOf(this.subscriber.pid) + cpuSecondsOf(process.pid);
  }
}

/** Measures again, a few times, while other programs disturb; the least disturbed one counts. */
export async function undisturbed<T extends Watched>(measure: () => Promise<T>): Promise<T> {
  let best = await measure();
  for (let tries = 1; tries < triesMax && best.otherCores > otherCoresMax; tries++) {
    const again = await measure();
    if (again.otherCores < best.otherCores) best = again;
  }
  return best;
}
