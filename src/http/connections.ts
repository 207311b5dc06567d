import { type Static, Type } from "@sinclair/typebox";
import { type Cancel, type Clock, every, timestamp } from "../clock.ts";
import type { LimitName } from "../errors.ts";
import type { Filter } from "../events/filter.ts";
import { transientText } from "../events/transient.ts";
import { type TransientData, type TransientName, Transport } from "../events/transient-catalog.ts";

/** Why a stream ended; `client` when the other side went away. */
export type CloseReason = TransientData<"ConnectionClosed">["reason"];

const Names = Type.Array(Type.String());

/** One line of `GET /connections`. */
export const ConnectionInfo = Type.Object({
  id: Type.String(),
  transport: Transport,
  opened_at: Type.String({ format: "date-time" }),
  filters: Type.Array(Type.Object({ events: Names, topics: Names, note_ids: Names, job_ids: Names }), {
    description: "Any of them may match; an empty list in one asks for nothing",
  }),
  cursor: Type.String({ description: "Everything up to here has been sent" }),
  lag: Type.Integer({ description: "Events of the log that have not been looked at for it yet" }),
  queued_bytes: Type.Integer({ description: "What the client has not taken yet" }),
  last_pong_at: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
});
export type ConnectionInfo = Static<typeof ConnectionInfo>;

/** An open stream, as its keeper sees it. */
export interface Connection {
  readonly id: string;
  readonly transport: Transport;
  readonly openedAtMs: number;
  /** Where the client is, as limits count it. */
  readonly address: string;
  filters(): readonly Filter[];
  position(): number;
  queuedBytes(): number;
  lastPongAtMs(): number | null;
  /** Called about once a second: time for a heartbeat, or to give up. */
  beat(nowMs: number): void;
  /** Tells the client why and when to come back, and ends the stream. */
  close(reason: CloseReason, retryMs: number): void;
}

/** Hears of every event that is about one connection. Must not throw. */
export type WordListener = <Name extends TransientName>(name: Name, data: TransientData<Name>, connectionId?: string) => void;

/** Between two looks at all connections. Heartbeats are late by at most this, and spread by when each connection opened. */
const sweepMs = 1000;
/** While draining, clients are asked to come back spread over this, so that the next server is not stormed. */
const comeBackWithinMs = 5000;

/** One that was too slow may wake up (a laptop, a page in the background), and is still told then why its stream ended. */
export const wakeUpMs = 60_000;

/** Everybody who listens. */
export class Connections {
  readonly #open = new Map<string, Connection>();
  readonly #byAddress = new Map<string, number>();
  /** Closed, and not taken by their clients yet. */
  #leaving = 0;
  /** When those began that were told so, on the monotonic clock. */
  readonly #openedMs = new Map<string, number>();
  #listener: WordListener = () => {};
  #cancel: Cancel = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly log: { head(): number; idOf(seq: number): string },
    readonly max: number,
    readonly perAddressMax: number = max,
  ) {}

  start(): void {
    this.#cancel = every(this.clock, sweepMs, () => this.beat());
  }

  stop(): void {
    this.#cancel();
    this.closeAll("draining");
  }

  beat(): void {
    const nowMs = this.clock.monotonicMs();
    for (const connection of [...this.#open.values()]) connection.beat(nowMs);
  }

  /** The limit that keeps another connection from this address out. */
  fullFor(address: string): LimitName | undefined {
    if (this.#open.size + this.#leaving >= this.max) return "connections";
    return (this.#byAddress.get(address) ?? 0) >= this.perAddressMax ? "connections_per_address" : undefined;
  }

  add(connection: Connection): void {
    this.#open.set(connection.id, connection);
    this.#count(connection.address, 1);
  }

  /** If it had been told `ConnectionOpened`, those who watch hear of `ConnectionClosed`. */
  remove({ id, transport, address }: Connection, reason: CloseReason): void {
    if (this.#open.delete(id)) this.#count(address, -1);
    const openedMs = this.#openedMs.get(id);
    if (openedMs === undefined) return;
    this.#openedMs.delete(id);
    const durationMs = Math.round(this.clock.monotonicMs() - openedMs);
    this.#listener("ConnectionClosed", { connection_id: id, transport, reason, duration_ms: durationMs }, id);
  }

  /**
   * One that has ended and waits for its client to take the rest keeps its place, as limits count it, until what is returned is
   * called: else a client that reads nothing could hold one connection after the other beyond them.
   */
  keepPlace({ address }: Connection): () => void {
    this.#leaving++;
    this.#count(address, 1);
    let isKept = true;
    return () => {
      if (!isKept) return;
      isKept = false;
      this.#leaving--;
      this.#count(address, -1);
    };
  }

  #count(address: string, by: number): void {
    const count = (this.#byAddress.get(address) ?? 0) + by;
    if (count > 0) this.#byAddress.set(address, count);
    else this.#byAddress.delete(address);
  }

  /** The text of an event that is about one connection; those who watch hear of it, too. */
  word<Name extends TransientName>(name: Name, data: TransientData<Name>, connectionId?: string): string {
    if (name === "ConnectionOpened" && connectionId) this.#openedMs.set(connectionId, this.clock.monotonicMs());
    this.#listener(name, data, connectionId);
    return transientText(this.clock, name, data);
  }

  onWord(listener: WordListener): void {
    this.#listener = listener;
  }

  count(): Record<Transport, number> {
    const counts = { sse: 0, ws: 0, ndjson: 0 };
    for (const { transport } of this.#open.values()) counts[transport]++;
    return counts;
  }

  /** Of the streams of each transport: how many, how far the one furthest behind is, and what is queued for all of them. */
  figures(): Record<Transport, { open: number; lagEventsMax: number; queuedBytes: number }> {
    const none = () => ({ open: 0, lagEventsMax: 0, queuedBytes: 0 });
    const figures = { sse: none(), ws: none(), ndjson: none() };
    const head = this.log.head();
    for (const one of this.#open.values()) {
      const of = figures[one.transport];
      of.open++;
      of.lagEventsMax = Math.max(of.lagEventsMax, head - one.position());
      of.queuedBytes += one.queuedBytes();
    }
    return figures;
  }

  list(): ConnectionInfo[] {
    return [...this.#open.values()].map((one) => ({
      id: one.id,
      transport: one.transport,
      opened_at: timestamp(one.openedAtMs),
      filters: one.filters().map(({ events, topics, noteIds, jobIds }) => ({
        events: [...events],
        topics: [...topics],
        note_ids: [...noteIds],
        job_ids: [...jobIds],
      })),
      cursor: this.log.idOf(one.position()),
      lag: this.log.head() - one.position(),
      queued_bytes: one.queuedBytes(),
      last_pong_at: nullableTime(one.lastPongAtMs()),
    }));
  }

  closeAll(reason: CloseReason): void {
    for (const connection of [...this.#open.values()]) connection.close(reason, comeBackMs());
  }
}

/** When a client that was sent away should come back: jittered. */
export function comeBackMs(): number {
  return 500 + Math.round(Math.random() * comeBackWithinMs);
}

function nullableTime(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms);
}
