/** Every way in which matric can refuse or fail. The set is closed: adding a code is a change of the public contract. */
export type ErrorCode =
  | "malformed"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "not_acceptable"
  | "conflict"
  | "version_conflict"
  | "request_timeout"
  | "too_large"
  | "headers_too_large"
  | "unsupported_media_type"
  | "invalid"
  | "rate_limited"
  | "draining"
  | "overloaded"
  | "storage_full"
  | "storage_unavailable"
  | "already_running"
  | "address_in_use"
  | "unreachable"
  | "timed_out"
  | "internal";

/** Everything that is bounded, as metrics and answers name it. */
export const limitNames = [
  "connections",
  "connections_per_address",
  "requests_per_token",
  "requests_per_address",
  "polls",
  "page_items",
  "header_bytes",
  "slow_bodies",
  "body_bytes",
  "message_bytes",
  "subscriptions",
  "jobs_waiting",
  "tokens",
  "tickets",
  "webhooks",
  "mcp_waiters",
  "mcp_sessions",
] as const;
export type LimitName = (typeof limitNames)[number];

/** What a caller needs besides the message in order to mend the request; all of it is safe to show. */
export interface ErrorDetails {
  /** The field of the request that is wrong, as a dotted path (`data.title`, `query.limit`). */
  field?: string;
  /** Present with `version_conflict`: the version that is stored now. */
  current_version?: number;
  /** Present with `rate_limited`, `draining` and `overloaded`. */
  retry_after_seconds?: number;
  /** The limit that was reached. */
  limit?: LimitName;
  /** Present with `forbidden`: the scope that a token would need. */
  scope?: string;
}

/** The one error type. `message` is a full sentence for the person who made the request; `cause` never leaves the server. */
export class MatricError extends Error {
  override readonly name = "MatricError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The request is well-formed, but this field cannot be accepted. */
export function invalid(field: string, message: string): MatricError {
  return new MatricError("invalid", message, { field });
}

/** The JSON or the text of this field is larger than is taken. */
export function tooLarge(field: string, bytes: number, bytesMax: number): MatricError {
  return new MatricError("too_large", `${field} must have at most ${bytesMax} bytes, not ${bytes}.`, { field });
}

/** `kind` is a noun the user knows (`note`, `job`). */
export function notFound(kind: string, id: string): MatricError {
  return new MatricError("not_found", `There is no ${kind} with the id "${id}".`);
}

/** In words, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
