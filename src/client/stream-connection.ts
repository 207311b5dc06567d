import type { Clock } from "../clock.ts";

/** One frame of a stream, the same for every transport. */
export interface StreamFrame {
  /** Name of the event. */
  name: string;
  /** Set for events of the log. */
  id: string | undefined;
  text: string;
}

/** One connection of a stream, until it breaks. */
export interface StreamConnection {
  /** Set when the server suggested how soon to come back after a break. */
  readonly retryMs: number | undefined;
  /** The stream is silent for longer than this: it is dead, even if nobody said so. */
  silenceMs: number;
  /**
   * The next frames, at least one; undefined when the server has ended the stream. Nothing, or only a bounded amount, is read
   * ahead. Rejects with a `ClientError`; with `unreachable` when the connection broke or fell silent.
   */
  read(): Promise<StreamFrame[] | undefined>;
  /** Idempotent. */
  close(): void;
}

export interface ConnectRequest {
  /** The query of the stream: the filter, and `since` where there is no cursor yet. */
  query: Record<string, string>;
  cursor: string | undefined;
  signal: AbortSignal;
  clock: Clock;
}

/** Resolves when the server has accepted. Rejects with a `ClientError` that tells whether trying again makes sense. */
export type Connect = (request: ConnectRequest) => Promise<StreamConnection>;

/** How long a server may take to accept a stream and to say its first word. */
export const openTimeoutMs = 10_000;
