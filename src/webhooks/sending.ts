import type { StoredEvent } from "../events/log.ts";

/** One HTTP request to a receiver. */
export interface Outgoing {
  url: URL;
  headers: Record<string, string>;
  body: string;
}

/** Why an attempt failed. Part of the contract: new ones may be added, none may change its meaning. */
export type AttemptErrorCode =
  | "http_error"
  | "redirect"
  | "gone"
  | "timed_out"
  | "dns_failed"
  | "forbidden_address"
  | "connection_refused"
  | "connection_failed"
  | "connection_reset"
  | "tls_failed"
  | "bad_answer";

/** What became of it. */
export interface Sent {
  /** Wall clock at its beginning. */
  at: number;
  /** Null when no answer came. */
  status: number | null;
  /** Null for success, and only then. */
  errorCode: AttemptErrorCode | null;
  /** The error in words; may hold addresses. */
  error: string | null;
  /** Milliseconds; null for what was not needed or not reached. */
  durations: { total: number; dns: number | null; connect: number | null; tls: number | null; first_byte: number | null };
  responseHeaders: Record<string, string> | null;
  /** The first 16 KiB, as text. */
  responseBody: string | null;
}

/**
 * Makes one attempt. Never rejects and always ends within the time limit; when `signal` aborts it ends at once, and what it
 * resolves with means nothing.
 */
export type Send = (outgoing: Outgoing, signal: AbortSignal) => Promise<Sent>;

/** An attempt that is about to be made. */
export interface BegunAttempt {
  webhookId: string;
  deliveryId: string;
  event: StoredEvent;
  /** 1 for the first one of the delivery. */
  number: number;
}

/**
 * Hears of each attempt before it is made: `headers` are sent along with it, and `end` is told what became of it, unless it was cut
 * off. Neither may throw.
 */
export type WatchAttempt = (attempt: BegunAttempt) => { headers: Readonly<Record<string, string>>; end(sent: Sent): void };
