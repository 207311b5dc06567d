import type { ErrorCode } from "../errors.ts";

/**
 * `protocol`: whoever answered does not speak matric. Any other text comes from a server that is newer than this client.
 */
export type ClientErrorCode = ErrorCode | "protocol" | (string & {});

export interface ClientErrorDetails {
  /** Of the HTTP answer, if there was one. */
  status?: number;
  /** The field of the request that is wrong. */
  field?: string;
  /** With `version_conflict`: the version that is stored now. */
  currentVersion?: number;
  /** How long the server asks to wait before the next try. */
  retryAfterMs?: number;
}

/**
 * Everything that can go wrong between client and server. `message` is a full sentence for a person. `unreachable` and
 * `timed_out` are the client's own findings, the other codes are the server's.
 */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly status: number | undefined;
  readonly field: string | undefined;
  readonly currentVersion: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: ClientErrorCode,
    message: string,
    details: ClientErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = details.status;
    this.field = details.field;
    this.currentVersion = details.currentVersion;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Whether the same request cannot succeed later, unless somebody changes something. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof ClientError)) return true;
  if (error.code === "protocol") return true;
  const { status } = error;
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
}
