import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDb } from "../../src/db/open.ts";
import { Writer } from "../../src/db/writer.ts";
import { type Actor, type Envelope, systemActor } from "../../src/events/catalog.ts";
import { draft } from "../../src/events/log.ts";
import { SqliteLog } from "../../src/events/sqlite-log.ts";
import { silentLogger } from "../../src/logger.ts";
import { AllowList } from "../../src/webhooks/allow-list.ts";
import type { CreatedWebhook, CreateWebhook, Delivery, Webhook } from "../../src/webhooks/contract.ts";
import { Destinations } from "../../src/webhooks/destinations.ts";
import { Webhooks, type WebhooksOptions } from "../../src/webhooks/engine.ts";
import type { Outgoing, Sent } from "../../src/webhooks/sending.ts";
import { ManualClock, settle } from "./manual-clock.ts";

export const user: Actor = { kind: "user", id: null };

/** A request that the receiver got, and how it answers. */
export class Request {
  readonly event: Envelope;
  readonly id: string;
  #answer = Promise.withResolvers<Sent>();

  constructor(
    readonly outgoing: Outgoing,
    private readonly clock: ManualClock,
    /** On the manual clock, since its beginning. */
    readonly atMs: number,
  ) {
    this.event = JSON.parse(outgoing.body);
    this.id = outgoing.headers["webhook-id"] ?? "";
  }

  get sent(): Promise<Sent> {
    return this.#answer.promise;
  }

  async answer(status: number, headers: Record<string, string> = {}): Promise<void> {
    const isSuccess = status >= 200 && status < 300;
    this.#end(status, isSuccess ? null : status === 410 ? "gone" : "http_error", headers);
    await settle();
  }

  async refuse(errorCode: Sent["errorCode"] = "connection_refused"): Promise<void> {
    this.#end(null, errorCode, null);
    await settle();
  }

  #end(status: number | null, errorCode: Sent["errorCode"], responseHeaders: Record<string, string> | null): void {
    const durations = { total: 1, dns: null, connect: null, tls: null, first_byte: null };
    this.#answer.resolve({
      at: this.clock.now(),
      status,
      errorCode,
      error: errorCode,
      durations,
      responseHeaders,
      responseBody: "",
    });
  }
}

export interface TestWebhooksOptions extends Partial<WebhooksOptions> {
  /** The status that answers each request at once; without it the test answers. */
  always?: (outgoing: Outgoing) => number | undefined;
}

/** Webhooks on a real database, with a network that the test plays and a server that can die and start again. */
export class TestWebhooks {
  readonly clock = new ManualClock();
  /** Every request made, in order. */
  readonly requests: Request[] = [];
  readonly failures: string[] = [];
  always: ((outgoing: Outgoing) => number | undefined) | undefined;
  #dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
  readonly #dead: (() => void)[] = [];
  readonly #given: Partial<WebhooksOptions>;
  #server: ReturnType<TestWebhooks["open"]>;

  constructor({ always, ...given }: TestWebhooksOptions = {}) {
    this.always = always;
    this.#given = given;
    this.#server = this.open();
    this.webhooks.start();
  }

  get webhooks(): Webhooks {
    return this.#server.webhooks;
  }

  get log(): SqliteLog {
    return this.#server.log;
  }

  get db() {
    return this.#server.db;
  }

  get writer(): Writer {
    return this.#server.writer;
  }

  private open() {
    const { clock } = this;
    const db = openDb(this.#dataDir, "normal");
    const writer = new Writer(db, silentLogger);
    const log = new SqliteLog(db, clock);
    const server = { isDead: false };
    const webhooks = new Webhooks({
      db,
      writer,
      log,
      clock,
      logger: silentLogger,
      destinations: new Destinations(new AllowList([]), async () => [{ address: "93.184.216.34", family: 4 }], clock),
      // What a dead server would hear comes to nothing.
      send: (outgoing, signal) => (server.isDead ? new Promise(() => {}) : this.#receive(outgoing, signal)),
      onFailed: ({ id }) => this.failures.push(id),
      webhooksMax: 1000,
      requestsMax: 500,
      random: () => 0,
      ...this.#given,
    });
    return { db, writer, log, webhooks, server };
  }

  #receive(outgoing: Outgoing, signal: AbortSignal): Promise<Sent> {
    const request = new Request(outgoing, this.clock, this.clock.monotonicMs());
    this.requests.push(request);
    const status = this.always?.(outgoing);
    if (status !== undefined) request.answer(status);
    signal.addEventListener("abort", () => request.refuse("timed_out"));
    return request.sent;
  }

  async create(input: Partial<CreateWebhook> = {}): Promise<CreatedWebhook> {
    const created = await this.webhooks.create({ url: "https://hooks.example/", events: ["*"], ...input });
    await settle();
    return created;
  }

  /** Commits events named after `names`; resolves when what follows from them has settled. */
  async publish(...names: string[]): Promise<string[]> {
    const drafts = names.map((event) => ({ event, data: {}, subject: null, actor: user }));
    const events = await this.writer.write((tx) => this.log.append(tx, drafts));
    await settle();
    return events.map(({ id }) => id);
  }

  async publishAboutWebhook(webhookId: string): Promise<void> {
    const about = draft("WebhookEnabled", { webhook_id: webhookId }, systemActor);
    await this.writer.write((tx) => this.log.append(tx, [about]));
    await settle();
  }

  /** The only request that is not answered, or the newest one. */
  last(): Request {
    const request = this.requests.at(-1);
    if (!request) throw new Error("no request was made");
    return request;
  }

  /** Takes what was received so far: the names of the events. */
  take(): string[] {
    return this.requests.splice(0).map(({ event }) => event.event);
  }

  deliveries({ id }: Pick<Webhook, "id">): Delivery[] {
    return this.webhooks.deliveries.list(id, { limit: 500 }).items;
  }

  delivery(webhook: Pick<Webhook, "id">, event: string): Delivery {
    const found = this.deliveries(webhook).find((one) => one.event === event);
    if (!found) throw new Error(`there is no delivery of ${event}`);
    return found;
  }

  status({ id }: Pick<Webhook, "id">): Webhook["status"] {
    return this.webhooks.get(id).status;
  }

  /** The names of the events in the log. */
  events(): string[] {
    return this.log.readAfter(0, 10_000).map(({ name }) => name);
  }

  /** Lets every attempt of the schedule at the delivery under way fail, so that its webhook does. */
  async failFor(status = 500): Promise<void> {
    for (const delayMs of [1000, 5000, 25_000, 125_000]) {
      await this.last().answer(status);
      await this.clock.advance(delayMs);
    }
    await this.last().answer(status);
  }

  /** The server is killed, and started again: what it knew is gone, what was committed is there. */
  async crash(): Promise<void> {
    const { server, db, writer } = this.#server;
    const diedIn = this.#dataDir;
    server.isDead = true;
    this.clock.forget();
    this.#dead.push(() => {
      writer.stop();
      db.close();
      rmSync(diedIn, { recursive: true });
    });
    // What the disk holds at this moment; the dead server cannot change it any more.
    this.#dataDir = mkdtempSync(join(tmpdir(), "matric-test-"));
    for (const file of ["matric.db", "matric.db-wal"]) copyFileSync(join(diedIn, file), join(this.#dataDir, file));
    this.#server = this.open();
    this.webhooks.start();
    await settle();
  }

  async close(): Promise<void> {
    const stopped = this.webhooks.stop({ graceMs: 0 });
    await this.clock.advance(5000);
    await stopped;
    this.#server.writer.stop();
    this.#server.db.close();
    for (const bury of this.#dead) bury();
    rmSync(this.#dataDir, { recursive: true });
  }
}
