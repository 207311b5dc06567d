import fc from "fast-check";
import type { Db } from "../../src/db/open.ts";
import { Writer } from "../../src/db/writer.ts";
import { systemActor } from "../../src/events/catalog.ts";
import { createFilter, everything, type Filter, filterKey, matches } from "../../src/events/filter.ts";
import { Hub } from "../../src/events/hub.ts";
import type { EventDraft, Gap, Position, StoredEvent } from "../../src/events/log.ts";
import type { Sink } from "../../src/events/sink.ts";
import { SqliteLog } from "../../src/events/sqlite-log.ts";
import { Subscription } from "../../src/events/subscription.ts";
import { silentLogger } from "../../src/logger.ts";
import { ManualClock } from "./manual-clock.ts";

/** Where a subscription is asked to begin: so many events before the head, or at the head. */
export type Since = { back: number } | undefined;

/** One step of a schedule; `client` counts the connections. */
export type Step =
  | { do: "publish"; changes: { kinds: number[]; fails: boolean }[] }
  | { do: "connect"; client: number; filters: number[]; since: Since }
  | { do: "reconnect" | "disconnect"; client: number }
  | { do: "add"; client: number; filter: number; since: Since }
  | { do: "remove"; client: number; filter: number }
  | { do: "removeAll"; client: number }
  | { do: "stall" | "drain" | "unstall"; client: number }
  | { do: "prune"; count: number }
  | { do: "sync"; which: number; fails: boolean }
  | { do: "turn"; turns: number }
  | { do: "pass"; ms: number }
  | { do: "restart" };

const ids = ["a", "b"] as const;
const thing = kind("ThingHappened", {});
/** Few kinds of events, so that filters and jobs meet often. */
const kinds: readonly EventDraft[] = [
  ...ids.map((id) =>
    kind("JobProgress", { job_id: `job-${id}`, job_type: "t", note_id: `note-${id}`, progress: 1, elapsed_ms: 1 }),
  ),
  ...ids.map((id) => kind("JobCompleted", { job_id: `job-${id}`, job_type: "t", duration_ms: 1 })),
  ...ids.map((id) => kind("NoteUpdated", { note_id: `note-${id}`, version: 1 })),
  thing,
  // More than one page, and more than one flush.
  kind("BigThingHappened", { text: "x".repeat(70_000) }),
];

function kind(event: string, data: Record<string, unknown>): EventDraft {
  return { event, data, subject: null, actor: systemActor };
}

const filters: readonly Filter[] = [
  createFilter({}),
  createFilter({ events: ["Job*"] }),
  createFilter({ events: ["JobProgress", "NoteUpdated"] }),
  createFilter({ topics: ["custom"] }),
  createFilter({ topics: ["notes", "job:job-a"] }),
  createFilter({ noteIds: ["note-a"] }),
  createFilter({ jobIds: ["job-b"], events: ["JobProgress"] }),
];

const clientCount = 3;
const client = fc.nat({ max: clientCount - 1 });
const filter = fc.nat({ max: filters.length - 1 });
const since: fc.Arbitrary<Since> = fc.option(fc.record({ back: fc.nat({ max: 12 }) }), { nil: undefined });
const rarely = fc.nat({ max: 9 }).map((chance) => chance === 9);
const one = <Name extends Step["do"]>(name: Name) => fc.constant(name);
// The big one is rare.
const kindOf = fc.oneof(
  { weight: 12, arbitrary: fc.nat({ max: kinds.length - 2 }) },
  { weight: 1, arbitrary: fc.constant(kinds.length - 1) },
);
const change = fc.record({ kinds: fc.array(kindOf, { maxLength: 6 }), fails: fc.boolean() });

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: one("publish"), changes: fc.array(change, { minLength: 1, maxLength: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: one("connect"), client, filters: fc.array(filter, { maxLength: 3 }), since }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("reconnect" as const, "disconnect" as const), client }) },
  { weight: 4, arbitrary: fc.record({ do: one("add"), client, filter, since }) },
  { weight: 2, arbitrary: fc.record({ do: one("remove"), client, filter }) },
  { weight: 1, arbitrary: fc.record({ do: one("removeAll"), client }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("stall" as const, "drain" as const, "unstall" as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: one("prune"), count: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 4, arbitrary: fc.record({ do: one("sync"), which: fc.nat({ max: 1 }), fails: rarely }) },
  { weight: 6, arbitrary: fc.record({ do: one("turn"), turns: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: one("pass"), ms: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: one("restart") }) },
);

/** What a subscriber has asked for: the events after `from` that pass `filter`. */
interface Wish {
  filter: Filter;
  from: number;
}

/** What a client knows; it lasts from one connection to the next while it asks for the same. */
interface Memory {
  delivered: Set<number>;
  /** Came once, for a wish that was taken back: may come again, or not. */
  forgotten: Set<number>;
  gaps: Gap[];
  wasSlow: boolean;
}

const seqOf = (id: string) => Number(id.split("-")[0]);
const wants = (wishes: readonly Wish[], event: StoredEvent) =>
  wishes.some((wish) => wish.from < event.seq && matches(wish.filter, event));

/** A connection as the client sees it: each event is held against the promises as it comes. */
class Client implements Sink<readonly StoredEvent[]> {
  readonly encode = (events: readonly StoredEvent[]) => events;
  readonly subscription: Subscription<readonly StoredEvent[]>;
  /** Where the client would go on. */
  cursor: string;
  isStalled = false;
  isStopped = false;
  /** Whether it has asked for the same all the time. */
  isPlain = true;
  #wishes: Wish[];
  /** The newest event since the last time that older ones were asked for. */
  #latest: number;
  /** The furthest position that it has had. */
  #furthest: number;
  /** What came in earlier connections, of which this one knows nothing. */
  readonly #earlier: readonly number[];
  #full: PromiseWithResolvers<void> | undefined;

  constructor(
    private readonly rig: {
      log: SqliteLog;
      hub: Hub;
      clock: ManualClock;
      events: ReadonlyMap<number, StoredEvent>;
      broken: string[];
    },
    filters: readonly Filter[],
    position: Position,
    readonly memory: Memory = { delivered: new Set(), forgotten: new Set(), gaps: [], wasSlow: false },
  ) {
    this.#wishes = filters.map((filter) => ({ filter, from: position.seq }));
    this.#earlier = [...memory.delivered];
    this.#latest = position.seq;
    this.#furthest = position.seq;
    this.cursor = rig.log.idOf(position.seq);
    this.subscription = new Subscription(filters, position, { ...rig, sink: this, slowMs: 60_000 });
    this.subscription.start();
  }

  #broken(promise: string): void {
    this.rig.broken.push(promise);
  }

  filters(): Filter[] {
    return this.#wishes.map((wish) => wish.filter);
  }

  write(events: readonly StoredEvent[]): Promise<void> | undefined {
    if (this.#full) this.#broken("written to a wire that is full");
    if (events.length === 0) this.#broken("nothing was written");
    for (const event of events) this.#take(event);
    if (!this.isStalled) return undefined;
    this.memory.wasSlow = true;
    this.#full = Promise.withResolvers();
    return this.#full.promise;
  }

  #take(event: StoredEvent): void {
    const { seq } = event;
    if (this.isStopped) this.#broken(`${seq} came after the end`);
    if (this.rig.events.get(seq)?.text !== event.text) this.#broken(`${seq} is not what was published`);
    if (this.memory.delivered.has(seq)) this.#broken(`${seq} came twice`);
    if (seq <= this.#latest) this.#broken(`${seq} came after ${this.#latest}`);
    if (!wants(this.#wishes, event)) this.#broken(`${seq} was not asked for`);
    this.memory.delivered.add(seq);
    this.#latest = seq;
    this.cursor = event.id;
  }

  snapshot(): void {}

  gap(gap: Gap): void {
    if (gap.reason !== "expired" || seqOf(gap.from) >= seqOf(gap.to)) this.#broken(`a gap of nothing: ${JSON.stringify(gap)}`);
    if (seqOf(gap.to) >= this.rig.log.oldest()) this.#broken("a gap over what is still there");
    this.memory.gaps.push(gap);
    this.cursor = gap.to;
  }

  untakenBytes(): number {
    return this.#full ? 1 : 0;
  }

  slow(): void {
    this.#broken("given up, though hardly any time has passed");
  }

  failed(error: unknown): void {
    this.#broken(`the log could not be read: ${error}`);
  }

  drain(): void {
    this.#full?.resolve();
    this.#full = undefined;
  }

  stop(): void {
    this.subscription.stop();
    this.isStopped = true;
  }

  add(filter: Filter, since: Position | undefined): void {
    this.isPlain = false;
    this.#furthest = Math.max(this.#furthest, this.subscription.position());
    const from = since?.seq ?? this.#furthest;
    const equal = this.#wishes.find((wish) => filterKey(wish.filter) === filterKey(filter));
    const isNew = !equal || from < equal.from;
    if (isNew) {
      this.#mayComeAgain(this.#earlier);
      this.#wishes = [...this.#wishes.filter((wish) => wish !== equal), { filter, from }];
      // Older events may come now.
      this.#latest = Math.min(this.#latest, from);
    }
    if (this.subscription.add(filter, since) !== isNew) this.#broken(`adding answered ${!isNew}`);
  }

  remove(filter: Filter): void {
    const kept = this.#wishes.filter((wish) => filterKey(wish.filter) !== filterKey(filter));
    const isThere = kept.length < this.#wishes.length;
    this.#forget(kept);
    if (this.subscription.remove(filter) !== isThere) this.#broken(`removing answered ${!isThere}`);
  }

  removeAll(): void {
    this.#forget([]);
    this.subscription.removeAll();
  }

  #forget(kept: Wish[]): void {
    this.isPlain = false;
    this.#wishes = kept;
    const events = [...this.memory.delivered].map((seq) => this.rig.events.get(seq));
    this.#mayComeAgain(events.filter((event) => event !== undefined && !wants(kept, event)).map((event) => event?.seq ?? 0));
  }

  #mayComeAgain(seqs: readonly number[]): void {
    const { delivered, forgotten } = this.memory;
    for (const seq of seqs) if (delivered.delete(seq)) forgotten.add(seq);
  }

  /** Events that should have come by the time that all is quiet. */
  missing(): number[] {
    const { delivered, forgotten, gaps } = this.memory;
    return [...this.rig.events.values()]
      .filter((event) => wants(this.#wishes, event) && !delivered.has(event.seq) && !forgotten.has(event.seq))
      .filter(({ seq }) => !gaps.some(({ from, to }) => seqOf(from) < seq && seq <= seqOf(to)))
      .filter((event) => !this.#isSuperseded(event))
      .map((event) => event.seq);
  }

  #isSuperseded({ name, jobId, seq }: StoredEvent): boolean {
    const overtakes = (later: number) =>
      later > seq && this.rig.events.get(later)?.name === name && this.rig.events.get(later)?.jobId === jobId;
    return this.memory.wasSlow && name === "JobProgress" && [...this.memory.delivered].some(overtakes);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A log whose disk is as slow as the schedule says, and its clients. */
export class SubscriptionRig {
  readonly clock = new ManualClock();
  readonly events = new Map<number, StoredEvent>();
  /** The promises that were not kept. */
  readonly broken: string[] = [];
  writer: Writer;
  log: SqliteLog;
  hub: Hub;
  #syncs: ((error: Error | null) => void)[] = [];
  readonly #clients: (Client | undefined)[] = Array.from({ length: clientCount }, () => undefined);

  constructor(private readonly db: Db) {
    const { sqlite } = db;
    sqlite.run("DELETE FROM events");
    sqlite.run("UPDATE log_state SET pruned_seq = 0");
    [this.writer, this.log, this.hub] = this.#start();
  }

  #start(): [Writer, SqliteLog, Hub] {
    const diskSync = { start: (done: (error: Error | null) => void) => this.#syncs.push(done), now() {} };
    const log = new SqliteLog(this.db, this.clock);
    return [new Writer({ sqlite: this.db.sqlite, diskSync }, silentLogger), log, new Hub(log, this.clock)];
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "publish":
        for (const { kinds: chosen, fails } of step.changes)
          this.#publish(
            chosen.map((index) => kinds[index] ?? thing),
            fails,
          );
        return;
      case "prune":
        this.writer.write((tx) => this.log.prune(tx, this.log.oldest() + step.count - 1, step.count)).catch(() => {});
        return;
      case "sync":
        this.#syncs.splice(step.which, 1)[0]?.(step.fails ? new Error("the disk failed") : null);
        return;
      case "turn":
        for (let count = 0; count < step.turns; count++) await turn();
        return;
      case "pass":
        return this.clock.advance(step.ms);
      case "restart":
        return this.#restart();
      case "connect":
        this.#clients[step.client]?.stop();
        this.#connect(step.client, step.filters.map(filterOf), this.#position(step.since) ?? { seq: this.log.head() });
        return;
    }
    const client = this.#clients[step.client];
    if (!client || (client.isStopped && step.do !== "reconnect")) return;
    if (step.do === "add") client.add(filterOf(step.filter), this.#position(step.since));
    else if (step.do === "remove") client.remove(filterOf(step.filter));
    else if (step.do === "removeAll") client.removeAll();
    else if (step.do === "stall") client.isStalled = true;
    else if (step.do === "drain") client.drain();
    else if (step.do === "disconnect") client.stop();
    else if (step.do === "reconnect") this.#reconnect(step.client, client);
    else {
      client.isStalled = false;
      client.drain();
    }
  }

  /** Lets everything come to rest: the disk, the clients, the clock. */
  async finish(): Promise<void> {
    for (let round = 0; round < 100; round++) {
      for (const client of this.#clients) {
        if (!client) continue;
        if (client.isStopped) this.#reconnect(this.#clients.indexOf(client), client);
        client.isStalled = false;
        client.drain();
      }
      for (const done of this.#syncs.splice(0)) done(null);
      await this.clock.advance(10);
      if (this.#syncs.length === 0 && this.#clients.every((client) => !client || this.#isAtHead(client))) break;
    }
    for (const client of this.#clients) {
      if (!client) continue;
      const missing = client.missing();
      if (missing.length > 0) this.broken.push(`never came: ${missing}`);
      if (!this.#isAtHead(client)) this.broken.push(`still at ${client.subscription.position()} of ${this.log.head()}`);
    }
  }

  close(): void {
    for (const client of this.#clients) client?.stop();
  }

  #isAtHead(client: Client): boolean {
    return client.subscription.position() === this.log.head();
  }

  #publish(drafts: readonly EventDraft[], fails: boolean): void {
    const written = this.writer.write((tx) => {
      const events = this.log.append(tx, drafts);
      if (fails) throw new Error("the change failed");
      for (const event of events) this.events.set(event.seq, event);
    });
    written.catch(() => {});
  }

  #position(since: Since): Position | undefined {
    return since && this.log.locate({ seq: Math.max(0, this.log.head() - since.back), epoch: undefined });
  }

  #connect(index: number, filters: readonly Filter[], position: Position, memory?: Memory): void {
    this.#clients[index] = new Client(this, filters, position, memory);
  }

  /** With its own cursor, and what it has had in mind if that is simple enough to be held against the whole log. */
  #reconnect(index: number, client: Client): void {
    client.stop();
    const position = this.log.locate({ seq: seqOf(client.cursor), epoch: undefined });
    this.#connect(index, client.filters(), position, client.isPlain ? client.memory : undefined);
  }

  /** As after `kill -9`: what was committed is there, and nobody was told of what the disk was still being waited for. */
  async #restart(): Promise<void> {
    // The writer that dies has nothing left to commit: what waits for a transaction gets one within two turns.
    await turn();
    await turn();
    for (const client of this.#clients) client?.stop();
    this.#syncs = [];
    this.clock.forget();
    [this.writer, this.log, this.hub] = this.#start();
  }
}

function filterOf(index: number): Filter {
  return filters[index] ?? everything;
}
