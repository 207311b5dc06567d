import type { Gap, StoredEvent } from "./log.ts";

/** Turns events into what one kind of wire sends. Called once per batch for all subscribers with the same filter. */
export type Encode<Chunk> = (events: readonly StoredEvent[]) => Chunk;

/**
 * The far end of a subscription: one connection. `write` hands a chunk to the wire; a promise as its answer means that the
 * wire is full: the chunk is taken, and nothing more may be written until the promise resolves.
 */
export interface Sink<Chunk> {
  readonly encode: Encode<Chunk>;
  write(chunk: Chunk): Promise<void> | undefined;
  /** Sends a snapshot (an event without id). Dropped in silence when the wire is full. */
  snapshot(name: string, text: string): void;
  /** Tells the client, in order with the events, that some cannot be had. */
  gap(gap: Gap): void;
  /** Bytes that the client has not taken yet, those that the operating system holds among them. It can cost some milliseconds. */
  untakenBytes(): number;
  /** The subscription ends this connection because the client has taken nothing for too long. */
  slow(): void;
  /** The subscription ends this connection because the log cannot be read. */
  failed(error: unknown): void;
}
