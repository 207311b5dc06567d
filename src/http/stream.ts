import type { Holds } from "../auth/holds.ts";
import type { Principal } from "../auth/principal.ts";
import { type Clock, timestamp } from "../clock.ts";
import type { Filter } from "../events/filter.ts";
import type { Hub } from "../events/hub.ts";
import type { EventLog, Gap, Position } from "../events/log.ts";
import type { Encode, Sink } from "../events/sink.ts";
import { Subscription } from "../events/subscription.ts";
import type { Logger } from "../logger.ts";
import { type CloseReason, type Connection, type Connections, comeBackMs, wakeUpMs } from "./connections.ts";
import { PieceWriter } from "./piece-writer.ts";
import { asMatricError } from "./problem.ts";
import { securityHeaders } from "./security-headers.ts";
import { encodeNdjson, encodeSse, sseFrame, sseHeartbeat } from "./sse.ts";

export interface StreamDeps {
  log: EventLog;
  hub: Hub;
  clock: Clock;
  logger: Logger;
  connections: Connections;
  holds: Holds;
  heartbeatMs: number;
  slowMs: number;
}

export interface StreamRequest {
  transport: "sse" | "ndjson";
  filter: Filter;
  position: Position;
  /** Whether the client brought the position along. */
  resumed: boolean;
  /** Frames are held back and sent together this often; 0 sends each at once. */
  batchMs: number;
  principal: Principal;
  /** Where the client is. */
  address: string;
  /** What the operating system holds for the client. */
  systemQueue: () => number;
  signal: AbortSignal;
  /** Has the connection closed when the client stays silent for so long. */
  idleTimeout: (seconds: number) => void;
}

export const streamHeaders = {
  sse: {
    ...securityHeaders,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  },
  ndjson: {
    ...securityHeaders,
    "content-type": "application/x-ndjson; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  },
};

/** How long the rest of a stream that the server ended may wait for a client that takes nothing. */
const lingerMs = 10_000;
/** A held-back batch leaves early at this size. */
const batchBytesMax = 64 * 1024;

/** An endless answer that follows the log from `position`: its first bytes leave at once. */
export function openStream(deps: StreamDeps, request: StreamRequest): Response {
  const stream = new EventStream(deps, request);
  const body = new ReadableStream<Uint8Array>({
    type: "direct",
    pull: (controller) => stream.run(controller),
    cancel: () => stream.end("client"),
  });
  return new Response(body, { headers: streamHeaders[request.transport] });
}

/**
 * An answer that only says when to come back, from a server that is full or about to stop: an error status would end a browser's
 * EventSource for good.
 */
export function closingStream(connections: Connections, transport: "sse" | "ndjson"): Response {
  const retryMs = comeBackMs();
  const data = connections.word("StreamClosing", { reason: "draining", retry_ms: retryMs });
  const body = transport === "sse" ? sseFrame({ event: "StreamClosing", data, retryMs }) : `${data}\n`;
  // A connection that is kept for another request would take the place of one that is served.
  return new Response(body, { headers: { ...streamHeaders[transport], connection: "close" } });
}

class EventStream implements Sink<Uint8Array>, Connection {
  readonly id = Bun.randomUUIDv7();
  readonly transport;
  readonly encode: Encode<Uint8Array>;
  readonly openedAtMs;
  readonly address;
  readonly principal;
  #release: () => void = () => {};
  readonly #subscription: Subscription<Uint8Array>;
  #writer: PieceWriter | undefined;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #cancelBatch: (() => void) | undefined;
  #nextBeatMs: number;
  #ended = Promise.withResolvers<void>();
  #isOpen = true;

  constructor(
    private readonly deps: StreamDeps,
    private readonly request: StreamRequest,
  ) {
    const { log, hub, clock, slowMs } = deps;
    this.transport = request.transport;
    this.encode = request.transport === "sse" ? encodeSse : encodeNdjson;
    this.openedAtMs = clock.now();
    this.address = request.address;
    this.principal = request.principal;
    this.#nextBeatMs = clock.monotonicMs() + deps.heartbeatMs;
    this.#subscription = new Subscription([request.filter], request.position, { log, hub, clock, sink: this, slowMs });
    request.signal.addEventListener("abort", () => this.end("client"));
  }

  /** Writes until the stream ends, from either side. */
  run(controller: ReadableStreamDirectController): Promise<void> {
    if (this.#isOpen) {
      this.#writer = new PieceWriter(controller, () => this.end("error"));
      this.deps.connections.add(this);
      this.#release = this.deps.holds.add({
        principal: this.principal,
        end: (reason) => this.close(reason, comeBackMs()),
      });
      this.#hello();
      this.#subscription.start();
    }
    return this.#ended.promise;
  }

  #hello(): void {
    const { log, connections, heartbeatMs } = this.deps;
    const cursor = log.idOf(this.request.position.seq);
    const opened = {
      connection_id: this.id,
      transport: this.transport,
      cursor,
      oldest: log.idOf(log.oldest()),
      head: log.idOf(log.head()),
      resumed: this.request.resumed && !this.request.position.gap,
      heartbeat_seconds: heartbeatMs / 1000,
      ...endOf(this.principal),
    };
    const data = connections.word("ConnectionOpened", opened, this.id);
    this.#say("ConnectionOpened", data, { id: cursor, retryMs: 1000 + Math.random() * 1000 });
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const { batchMs } = this.request;
    if (batchMs === 0) return this.#send(chunk);
    this.#batch.push(chunk);
    this.#batchBytes += chunk.byteLength;
    if (this.#batchBytes >= batchBytesMax) return this.#sendBatch();
    this.#cancelBatch ??= this.deps.clock.after(batchMs, () => this.#sendBatch());
    return this.#writer?.full();
  }

  snapshot(name: string, text: string): void {
    if (!this.#writer?.full()) this.#say(name, text);
  }

  gap(gap: Gap): void {
    this.#sendBatch();
    this.#say("StreamGap", this.deps.connections.word("StreamGap", gap, this.id), { id: gap.to });
  }

  slow(): void {
    this.close("slow", comeBackMs());
  }

  failed(error: unknown): void {
    asMatricError(error, this.deps.logger);
    this.end("error");
  }

  untakenBytes(): number {
    return this.queuedBytes() + this.request.systemQueue();
  }

  queuedBytes(): number {
    return (this.#writer?.queuedBytes() ?? 0) + this.#batchBytes;
  }

  filters(): readonly Filter[] {
    return this.#subscription.filters();
  }

  position(): number {
    return this.#subscription.position();
  }

  lastPongAtMs(): null {
    return null;
  }

  beat(nowMs: number): void {
    if (nowMs < this.#nextBeatMs) return;
    this.#nextBeatMs = nowMs + this.deps.heartbeatMs;
    if (this.#writer?.full()) return;
    if (this.transport === "sse") this.#send(sseHeartbeat);
    if (this.#subscription.isUntold() || this.transport === "ndjson") this.#tellCursor();
  }

  #tellCursor(): void {
    const cursor = this.deps.log.idOf(this.#subscription.position());
    this.#sendBatch();
    this.#say("StreamCursor", this.deps.connections.word("StreamCursor", { cursor }, this.id), { id: cursor });
    this.#subscription.tell();
  }

  close(reason: CloseReason, retryMs: number): void {
    if (!this.#isOpen) return;
    if (reason === "slow" || reason === "draining" || reason === "revoked" || reason === "expired") {
      this.#sendBatch();
      const data = this.deps.connections.word("StreamClosing", { reason, retry_ms: retryMs }, this.id);
      this.#say("StreamClosing", data, { retryMs });
    }
    const waiting = this.#writer?.full();
    this.#leave(reason);
    if (waiting) this.#giveUp(waiting, reason);
    else this.#ended.resolve();
  }

  end(reason: CloseReason): void {
    this.#leave(reason);
    this.#writer?.stop();
    this.#ended.resolve();
  }

  #leave(reason: CloseReason): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#subscription.stop();
    this.#cancelBatch?.();
    this.deps.connections.remove(this, reason);
    this.#release();
  }

  /**
   * What waits for the client may still be taken, for a while. The connection is closed when it falls silent; by HTTP/2 it may
   * serve other streams and stay, then this one is cut off it.
   */
  #giveUp(waiting: Promise<void>, reason: CloseReason): void {
    const { clock, holds, connections } = this.deps;
    const freePlace = connections.keepPlace(this);
    const mayWakeUp = reason === "slow";
    this.request.idleTimeout(mayWakeUp ? wakeUpMs / 1000 : 1);
    waiting.then(this.#ended.resolve);
    const cut = () => {
      this.#writer?.stop();
      // Without a reason, which Bun would print.
      this.#ended.reject();
    };
    const cancel = clock.after(mayWakeUp ? wakeUpMs : lingerMs, cut);
    const letGo = mayWakeUp ? holds.add({ principal: this.principal, end: cut }) : () => {};
    const done = () => {
      cancel();
      letGo();
      freePlace();
    };
    this.#ended.promise.then(done, done);
  }

  #say(event: string, data: string, more: { id?: string; retryMs?: number } = {}): void {
    this.#send(Buffer.from(this.transport === "sse" ? sseFrame({ event, data, ...more }) : `${data}\n`));
  }

  #sendBatch(): Promise<void> | undefined {
    this.#cancelBatch?.();
    this.#cancelBatch = undefined;
    if (this.#batch.length === 0) return this.#writer?.full();
    const chunk = Buffer.concat(this.#batch);
    this.#batch = [];
    this.#batchBytes = 0;
    return this.#send(chunk);
  }

  #send(chunk: Uint8Array): Promise<void> | undefined {
    return this.#isOpen ? this.#writer?.write(chunk) : undefined;
  }
}

/** When the right to a stream ends, as its first word tells. */
export function endOf({ expiresAtMs }: Principal): { expires_at?: string } {
  return expiresAtMs === null ? {} : { expires_at: timestamp(expiresAtMs) };
}
